// SliceExplorer's view. The learner's moves are written to `selection` and `reshape_to`; all else comes from Python.

function render({ model, el }) {
  const expression = element("p", { class: "ftu-expression", role: "status", "aria-live": "polite" });
  const presets = element("div", { class: "ftu-bar", role: "toolbar", "aria-label": "Selections to try" });
  const axes = element("div", { class: "ftu-axes" });
  const error = element("p", { class: "ftu-error", role: "alert" });
  const panels = element("div", { class: "ftu-panels" });
  const source = element("div", { class: "ftu-drag" });
  const outcome = element("div", {});
  panels.append(source, outcome);
  const root = frame("ftu-slices", "Slice explorer", expression, presets, axes, error, panels);
  el.append(root);

  const ALL = [null, null, null];
  const whole = () => model.get("selection").map((choice) => (Array.isArray(choice) ? [...choice] : choice));
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const choose = (dim, choice) => {
    const selection = whole();
    selection[dim] = choice;
    model.set("reshape_to", []);
    set("selection", selection);
  };

  function drawPresets() {
    const now = JSON.stringify(model.get("selection"));
    presets.replaceChildren(...model.get("presets").map(({ code, words, selection }) => button(code, words, () => {
      model.set("reshape_to", []);
      set("selection", selection);
    }, { "aria-pressed": JSON.stringify(selection) === now ? "true" : "false" })));
  }

  // The controls are made once and then only given new values, so that a number can be typed without losing the focus.
  const controls = model.get("shape").map((size, dim) => {
    const toRange = button("range", "choose start, stop and step", () => choose(dim, [...ALL]));
    const toIndex = button("index", "choose one index: the axis disappears", () => choose(dim, 0));
    const numbers = ["start", "stop", "step"].map((name, part) => {
      const input = element("input", {
        type: "number",
        step: "1",
        "aria-label": `dim ${dim}: ${name}`,
        placeholder: [0, size, 1][part],
        oninput: (event) => {
          const value = event.target.value === "" ? null : Math.trunc(Number(event.target.value));
          const choice = model.get("selection")[dim];
          if (!Array.isArray(choice)) return choose(dim, value ?? 0);
          const changed = [...choice];
          changed[part] = value;
          choose(dim, changed);
        },
      });
      return { name, input, label: element("label", {}, element("span", {}, name), input) };
    });
    axes.append(
      element("span", { class: "ftu-label" }, `dim ${dim}`, element("small", {}, `size ${size}`)),
      element("span", { class: "ftu-pair", role: "group", "aria-label": `dim ${dim}: a range or one index` }, toRange, toIndex),
      ...numbers.map(({ label }) => label),
    );
    return { toRange, toIndex, numbers };
  });

  function drawControls() {
    controls.forEach(({ toRange, toIndex, numbers }, dim) => {
      const choice = model.get("selection")[dim] ?? ALL;
      const isRange = Array.isArray(choice);
      toRange.setAttribute("aria-pressed", String(isRange));
      toIndex.setAttribute("aria-pressed", String(!isRange));
      numbers.forEach(({ name, input, label }, part) => {
        label.style.visibility = isRange || part === 0 ? "visible" : "hidden";
        label.firstChild.textContent = isRange ? name : "index";
        const value = isRange ? choice[part] : choice;
        const text = value === null ? "" : String(value);
        if (input.value !== text) input.value = text;
        input.min = part === 2 ? "1" : "";
      });
    });
  }

  const hue = (value) => HUES[Math.floor(value / model.get("shape").at(-1)) % HUES.length];

  function drawSource() {
    const chosen = new Set(model.get("result"));
    const shape = model.get("shape");
    const table = drawTensor(shape, (position, index) => element("div", {
      class: chosen.has(position) ? "ftu-cell" : "ftu-cell ftu-off",
      "data-index": JSON.stringify(index),
      style: `--hue: ${hue(position)}`,
    }, String(position)), "img", `x of shape ${tuple(shape)}; chosen: ${model.get("result").join(", ") || "nothing"}`);
    source.replaceChildren(element("h4", {}, `x  ${tuple(shape)}`), table);
  }

  // Dragging over x chooses the block between two corners, on the last two axes.
  let corner = null;
  const cellAt = (event) => {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-index]");
    return cell && source.contains(cell) ? JSON.parse(cell.dataset.index) : null;
  };
  const dragTo = (index) => {
    const selection = index.map((at, dim) => {
      const low = Math.min(at, corner[dim]);
      const high = Math.max(at, corner[dim]) + 1;
      return low === 0 && high === model.get("shape")[dim] ? [...ALL] : [low, high, null];
    });
    if (JSON.stringify(selection) === JSON.stringify(model.get("selection"))) return;
    model.set("reshape_to", []);
    set("selection", selection);
  };
  source.addEventListener("pointerdown", (event) => {
    corner = cellAt(event);
    if (corner) {
      event.preventDefault();
      dragTo(corner);
    }
  });
  const move = (event) => {
    const index = corner && cellAt(event);
    if (index) dragTo(index);
  };
  const release = () => (corner = null);
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", release);

  function drawOutcome() {
    if (model.get("error")) return outcome.replaceChildren();
    const shape = model.get("result_shape");
    const values = model.get("result");
    const before = places(outcome);
    const table = drawTensor(shape, (position) => element("div", {
      class: "ftu-cell",
      "data-value": values[position],
      style: `--hue: ${hue(values[position])}`,
    }, String(values[position])), "img", `${model.get("expression")} of shape ${tuple(shape)}: ${values.join(", ")}`);
    const wanted = JSON.stringify(model.get("reshape_to"));
    const reshape = element("select", { "aria-label": "Reshape the result", onchange: (event) => set("reshape_to", JSON.parse(event.target.value)) });
    for (const option of [[], ...model.get("reshapes")]) {
      const text = JSON.stringify(option);
      reshape.append(element("option", { value: text, selected: text === wanted ? "" : false }, option.length ? `.reshape(${option.join(", ")})` : "no reshape"));
    }
    const held = document.activeElement?.tagName === "SELECT" && outcome.contains(document.activeElement);
    const badge = element("span", { class: model.get("is_view") ? "ftu-badge" : "ftu-badge ftu-copied" }, model.get("verdict"));
    outcome.replaceChildren(
      element("h4", {}, `result  ${tuple(shape)}`),
      table,
      element("div", { class: "ftu-bar ftu-wide", style: "margin: 12px 0 0" }, reshape),
      element("div", { style: "margin-top: 8px" }, badge),
      element("div", { class: "ftu-sum" }, element("i", {}, `stride ${tuple(model.get("strides"))}, offset ${model.get("storage_offset")}`)),
    );
    glide(outcome, before);
    if (held) outcome.querySelector("select").focus();
  }

  function draw() {
    const numel = model.get("shape").reduce((a, b) => a * b, 1);
    expression.replaceChildren(model.get("expression"), element("small", {}, `x = torch.arange(${numel}).reshape${tuple(model.get("shape")).replace(",)", ")")}`));
    error.textContent = model.get("error");
    drawPresets();
    drawControls();
    drawSource();
    drawOutcome();
  }

  const stopDrawing = drawOnChange(model, ["selection", "reshape_to", "expression", "result", "result_shape", "error", "verdict", "strides", "reshapes"], draw);
  return () => {
    stopDrawing();
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", release);
  };
}

export default { render };
