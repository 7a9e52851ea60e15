// The parts that the course's widgets share: making elements, drawing a tensor as tables, moving cells softly.
// No arithmetic on strides happens here: what a cell holds and where it lies comes from Python.

const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") node.style.cssText = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function button(label, words, onclick, options = {}) {
  return element("button", { type: "button", class: "ftu-step", title: words, "aria-label": `${label}: ${words}`, onclick, ...options }, label);
}

function tuple(numbers) {
  return numbers.length === 1 ? `(${numbers[0]},)` : `(${numbers.join(", ")})`;
}

// The frame of a widget. JupyterLab leaves keys that are pressed inside it alone.
function frame(kind, name, ...children) {
  return element("div", { class: `ftu ${kind}`, role: "group", "aria-label": name, "data-lm-suppress-shortcuts": "true" }, ...children);
}

// Draws a tensor of up to three dimensions; makeCell(position, index) returns the element for one cell. To a screen
// reader it is a group of cells, or one picture with a name.
function drawTensor(shape, makeCell, role, name) {
  const tables = element("div", { class: "ftu-tables", role, "aria-label": name });
  if (shape.includes(0)) {
    tables.append(element("div", { class: "ftu-nothing" }, "no cells"));
    return tables;
  }
  const columns = shape.length ? shape[shape.length - 1] : 1;
  const rows = shape.length > 1 ? shape[shape.length - 2] : 1;
  const sheets = shape.length > 2 ? shape[0] : 1;
  for (let sheet = 0; sheet < sheets; sheet++) {
    const table = element("div", { class: "ftu-table", style: `grid-template-columns: auto repeat(${columns}, auto)` });
    const corner = shape.length > 2 ? `[${sheet}]` : "";
    if (shape.length) {
      table.append(element("span", { class: "ftu-name" }, corner));
      for (let column = 0; column < columns; column++) table.append(element("span", { class: "ftu-axis", "aria-hidden": "true" }, String(column)));
    }
    for (let row = 0; row < rows; row++) {
      table.append(element("span", { class: "ftu-axis", "aria-hidden": "true" }, shape.length > 1 ? String(row) : ""));
      for (let column = 0; column < columns; column++) {
        const index = [[], [column], [row, column], [sheet, row, column]][shape.length];
        table.append(makeCell((sheet * rows + row) * columns + column, index));
      }
    }
    tables.append(table);
  }
  return tables;
}

// Where every cell of a drawing stands now, by the number it shows.
function places(root) {
  const found = new Map();
  for (const cell of root.querySelectorAll("[data-value]")) found.set(cell.dataset.value, cell.getBoundingClientRect());
  return found;
}

// Lets every cell glide from where its number stood before to where it stands now.
function glide(root, before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const cell of root.querySelectorAll("[data-value]")) {
    const old = before.get(cell.dataset.value);
    const now = cell.getBoundingClientRect();
    if (!cell.animate) continue;
    if (!old) cell.animate([{ opacity: 0, transform: "scale(0.6)" }, { opacity: 1, transform: "none" }], { duration: 260, easing: "ease-out" });
    else if (old.left !== now.left || old.top !== now.top) {
      const from = `translate(${old.left - now.left}px, ${old.top - now.top}px)`;
      cell.animate([{ transform: from }, { transform: "none" }], { duration: 420, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" });
    }
  }
}

function facts(entries) {
  const list = element("dl", { class: "ftu-facts" });
  for (const [name, value] of entries) list.append(element("dt", {}, name), element("dd", {}, value));
  return list;
}

// Draws once now and once after every group of changes that arrives together.
function drawOnChange(model, names, draw) {
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      draw();
    });
  };
  for (const name of names) model.on(`change:${name}`, later);
  draw();
  return () => names.forEach((name) => model.off(`change:${name}`, later));
}
