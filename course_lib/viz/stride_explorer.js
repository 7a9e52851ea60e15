// StrideExplorer's view. The learner's moves are written to `steps` and `index`; all else is shown as Python sends it.

const SVG = "http://www.w3.org/2000/svg";

function render({ model, el }) {
  const expression = element("p", { class: "ftu-expression" });
  const takeBack = element("div", { class: "ftu-pair", role: "toolbar", "aria-label": "Take steps back" });
  const head = element("div", { class: "ftu-head" }, expression, takeBack);
  const bar = element("div", { class: "ftu-bar", role: "toolbar", "aria-label": "View operations" });
  const error = element("p", { class: "ftu-error", role: "alert" });
  const panels = element("div", { class: "ftu-panels" });
  const memory = element("div", { class: "ftu-memory" });
  const sum = element("p", { class: "ftu-sum", role: "status", "aria-live": "polite" });
  const root = frame("ftu-strides", "Stride explorer", head, bar, error, panels, memory, sum);
  el.append(root);

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const take = (step) => set("steps", [...model.get("steps"), step]);
  const same = (a, b) => a.length === b.length && a.every((value, position) => value === b[position]);

  // Every number keeps the colour of the row of x in which it began.
  const hue = (value) => `--hue: ${HUES[Math.floor(value / model.get("base_shape").at(-1)) % HUES.length]}`;
  const wide = (memory) => `max-width: ${54 * memory.length}px`;

  const undo = button("undo", "take the last step back", () => set("steps", model.get("steps").slice(0, -1)), { class: "ftu-step ftu-plain" });
  const reset = button("start over", "back to x", () => set("steps", []), { class: "ftu-step ftu-plain" });
  takeBack.append(undo, reset);

  function drawBar() {
    const offered = model.get("offered");
    const focused = bar.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    const buttons = offered.filter(({ step }) => !step.startsWith(".reshape"));
    const shapes = offered.filter(({ step }) => step.startsWith(".reshape"));
    const reshape = element("select", { "aria-label": "Reshape to another shape", "data-step": "reshape", onchange: (event) => event.target.value && take(event.target.value) });
    reshape.append(element("option", { value: "" }, ".reshape(…)"), ...shapes.map(({ step }) => element("option", { value: step }, step)));
    bar.replaceChildren(...buttons.map(({ step, words, fits }) => button(step, words, () => take(step), { disabled: fits ? false : "", "data-step": step })), reshape);
    undo.disabled = reset.disabled = model.get("steps").length === 0;
    if (focused) [...bar.children].find((child) => child.dataset.step === focused && !child.disabled)?.focus();
  }

  function drawTables() {
    const shape = model.get("shape");
    const cells = model.get("cells");
    const before = places(panels);
    const held = panels.contains(document.activeElement);
    const tables = drawTensor(shape, (position, index) => {
      const { value, address } = cells[position];
      const point = () => same(model.get("index"), index) || set("index", index);
      return element("button", {
        type: "button",
        class: "ftu-cell",
        tabindex: position === 0 ? "0" : "-1",
        "data-value": value,
        "data-position": position,
        "aria-label": `element [${index.join(", ")}] is ${value}, at address ${address}`,
        style: hue(value),
        onpointerenter: point,
        onfocus: point,
        onclick: point,
        onkeydown: (event) => walkWithKeys(event, shape, position),
      }, String(value));
    }, "group", model.get("expression"));
    const copied = model.get("is_copy");
    const badge = element("span", { class: copied ? "ftu-badge ftu-copied" : "ftu-badge" }, copied ? "copy: new memory" : "view: the memory of x");
    panels.replaceChildren(tables, facts([
      ["shape", tuple(shape)],
      ["stride()", tuple(model.get("strides"))],
      ["storage_offset()", String(model.get("storage_offset"))],
      ["is_contiguous()", model.get("is_contiguous") ? "True" : "False"],
      ["memory", badge],
    ]));
    glide(panels, before);
    if (held) panels.querySelector("button.ftu-cell")?.focus();
  }

  function walkWithKeys(event, shape, position) {
    const columns = shape.at(-1) ?? 1;
    const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const goal = panels.querySelector(`[data-position="${position + move}"]`);
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!goal) return;
    event.currentTarget.tabIndex = -1;
    goal.tabIndex = 0;
    goal.focus();
  }

  function drawMemory() {
    const reader = new Map(model.get("cells").map((cell) => [cell.address, cell.index]));
    const strip = element("div", { class: "ftu-strip", role: "img", "aria-label": `memory: ${model.get("memory").join(", ")}`, style: wide(model.get("memory")) });
    model.get("memory").forEach((value, address) => {
      const index = reader.get(address);
      const cell = element("div", {
        class: index ? "ftu-cell" : "ftu-cell ftu-off",
        "data-address": address,
        style: hue(value),
        title: index ? `address ${address}` : `${model.get("expression")} does not read address ${address}`,
        onpointerenter: () => index && set("index", index),
      }, String(value));
      const start = address === model.get("storage_offset") && reader.size;
      strip.append(element("div", { class: start ? "ftu-slot ftu-start" : "ftu-slot" }, cell, element("small", {}, start ? `▲${address}` : String(address))));
    });
    const walk = document.createElementNS(SVG, "svg");
    walk.setAttribute("class", "ftu-walk");
    walk.setAttribute("aria-hidden", "true");
    strip.append(walk);
    memory.replaceChildren(element("h4", {}, model.get("is_copy") ? "new memory: a copy" : "memory of x"), strip);
    const old = model.get("left_behind");
    if (!old.length) return;
    const slots = old.map((value) => element("div", { class: "ftu-slot" }, element("div", { class: "ftu-cell", style: hue(value) }, String(value))));
    memory.append(element("div", { class: "ftu-old" }, element("h4", {}, "memory of x: unchanged, no longer shared"), element("div", { class: "ftu-strip", role: "img", "aria-label": `memory of x: ${old.join(", ")}`, style: wide(old) }, ...slots)));
  }

  // Marks the element pointed at, in the tables and in memory, and draws the hops that lead to it.
  function mark() {
    const index = model.get("index");
    const cells = model.get("cells");
    const position = cells.findIndex((cell) => same(cell.index, index));
    for (const cell of root.querySelectorAll(".ftu-on")) cell.classList.remove("ftu-on");
    const walk = memory.querySelector(".ftu-walk");
    walk.replaceChildren();
    if (position < 0 || index.length !== model.get("shape").length) {
      sum.replaceChildren(element("i", {}, "Point at a cell, or move there with Tab and the arrow keys, to see how its address is found."));
      return;
    }
    const cell = cells[position];
    panels.querySelector(`[data-position="${position}"]`)?.classList.add("ftu-on");
    memory.querySelector(`[data-address="${cell.address}"]`)?.classList.add("ftu-on");
    const name = `${model.get("expression")}[${index.join(", ")}]`;
    sum.replaceChildren(element("b", {}, name), element("i", {}, "  is at address  "), cell.sum);
    drawWalk(walk, cell.walk);
  }

  function drawWalk(svg, addresses) {
    const frame = svg.getBoundingClientRect();
    const spots = addresses.map((address) => {
      const box = memory.querySelector(`[data-address="${address}"]`).getBoundingClientRect();
      return { x: box.left + box.width / 2 - frame.left, y: box.top - frame.top - 5, address };
    });
    spots.slice(1).forEach((to, hop) => {
      const from = spots[hop];
      if (from.y !== to.y || from.x === to.x) return; // a hop into another line of the strip, or on the spot
      const high = Math.min(30, 13 + (to.x - from.x) / 9);
      const middle = (from.x + to.x) / 2;
      const arc = document.createElementNS(SVG, "path");
      arc.setAttribute("d", `M ${from.x + 4} ${from.y} Q ${middle} ${from.y - 2 * high} ${to.x - 3} ${to.y} m -1.5 -6.5 l 1.5 6.5 l -6 -3`);
      const label = document.createElementNS(SVG, "text");
      label.setAttribute("x", middle);
      label.setAttribute("y", from.y - high - 5);
      label.textContent = `+${to.address - from.address}`;
      svg.append(arc, label);
    });
  }

  function draw() {
    expression.replaceChildren(model.get("expression"), element("small", {}, `x = torch.arange(${model.get("base_shape").reduce((a, b) => a * b, 1)}).reshape${tuple(model.get("base_shape")).replace(",)", ")")}`));
    error.textContent = model.get("error");
    drawBar();
    drawTables();
    drawMemory();
    mark();
  }

  const stopDrawing = drawOnChange(model, ["cells", "offered", "error", "expression", "memory"], draw);
  model.on("change:index", mark);
  const resized = new ResizeObserver(mark);
  resized.observe(root);
  return () => {
    stopDrawing();
    model.off("change:index", mark);
    resized.disconnect();
  };
}

export default { render };
