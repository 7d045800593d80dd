"use strict";
// How one number was made: where it lies, the window it came from, the products and the sum.

const LARGEST_GRID = 7; // rows and columns of a window that is written out in numbers

/** Show what `explained` found about a pixel; `look(value, box)` shows a window of a map. */
function showPixel(operation, at, found) {
  const where = operation.shape.length === 3 ? `map ${at.channel}, row ${at.row}, column ${at.column}` : `number ${at.channel}`;
  byId("pixel-where").textContent = `${operation.path}, ${where}`;
  byId("pixel-value").textContent = figure(found.value);
  byId("pixel-how").textContent = found.before === undefined ? found.how : `${found.how} ${figure(found.before)}.`;
  showGrid(found.grid);
  showTerms(found);
}

function showGrid(grid) {
  const box = byId("pixel-grid");
  box.replaceChildren();
  if (!grid) return;
  if (grid.rows * grid.columns === 1 && grid.weights) {
    box.append(make("p", { className: "note" }, `${grid.label}: ${figure(grid.given[0])} × ${figure(grid.weights[0])} = ${figure(grid.products[0])}`));
    return;
  }
  const parts = [["numbers", grid.given], ["weights", grid.weights], ["products", grid.products]].filter(([, values]) => values);
  box.append(make("p", { className: "note" }, grid.label[0].toUpperCase() + grid.label.slice(1)));
  const small = Math.max(grid.rows, grid.columns) <= LARGEST_GRID;
  for (const [index, [name, values]] of parts.entries()) {
    if (index) box.append(make("span", { className: "sign", ariaHidden: "true" }, index === 1 ? "×" : "="));
    box.append(small ? gridTable(name, values, grid) : gridDrawing(name, values, grid));
  }
}

function gridTable(name, values, grid) {
  const scale = scaleOf(values.map((value) => value ?? 0));
  const rows = Array.from({ length: grid.rows }, (_, i) => make("tr", {}, ...Array.from({ length: grid.columns }, (_, j) => {
    const value = values[i * grid.columns + j];
    const cell = make("td", {}, value === null ? "0" : shortFigure(value));
    if (value === null) {
      cell.className = "padding";
      cell.title = "outside the map: zero";
    } else Object.assign(cell.style, cellColours(value, scale));
    if (grid.marked === i * grid.columns + j) cell.classList.add("marked");
    return cell;
  })));
  return make("table", {}, make("caption", {}, name), make("tbody", {}, ...rows));
}

function gridDrawing(name, values, grid) {
  const canvas = make("canvas", { className: "pixels window", role: "img", ariaLabel: `${name}, ${grid.rows} by ${grid.columns}` });
  const data = Float32Array.from(values, (value) => value ?? 0);
  drawValues(canvas, data, 0, grid.rows, grid.columns, scaleOf(data));
  return make("div", {}, make("p", { className: "note" }, name), canvas);
}

function shortFigure(value) {
  const size = Math.abs(value);
  const text = size === 0 ? "0" : size < 0.005 ? value.toExponential(0) : value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
  return text.replace("-", "−");
}

function showTerms(found) {
  const table = byId("pixel-terms");
  table.hidden = found.terms.length === 0;
  const most = Math.max(...found.terms.map((term) => Math.abs(term.value)), 1e-30);
  byId("pixel-terms-body").replaceChildren(...found.terms.map((term) => {
    const bar = make("span", { className: term.value < 0 ? "bar less" : "bar" });
    bar.style.width = `${(50 * Math.abs(term.value)) / most}%`;
    bar.style[term.value < 0 ? "right" : "left"] = "50%";
    const product = term.detail ? `${figure(term.detail[0])} × ${figure(term.detail[1])}` : "";
    return make("tr", {}, make("th", { scope: "row" }, term.label, ...(product ? [make("small", {}, product)] : [])), make("td", { className: "track" }, bar), make("td", {}, figure(term.value)));
  }));
  const agrees = Math.abs(found.computed - found.value) <= 1e-4 * Math.max(1, Math.abs(found.value));
  const word = found.terms.length ? (found.product ? "Product" : "Sum") : "Result";
  byId("pixel-sum").textContent = `${word}: ${figure(found.computed)}${agrees ? ", which is what the network computed." : `; the network computed ${figure(found.value)}.`}`;
}

/** Draw one channel of a map with a window framed, the frame's parts outside it cut off. */
function drawWindow(canvas, map, window) {
  const [, high, wide] = sizesOf(map.shape);
  const zoom = Math.max(1, Math.floor(220 / Math.max(high, wide)));
  canvas.width = wide * zoom;
  canvas.height = high * zoom;
  const one = new OffscreenCanvas(wide, high);
  one.getContext("2d").putImageData(imageOf(map.data, window.channel * high * wide, high, wide, scaleOf(map.data)), 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(one, 0, 0, canvas.width, canvas.height);
  frame(context, window.box.map((edge) => edge * zoom));
}

/** Draw a frame [top, left, bottom, right] that is seen on light and on dark. */
function frame(context, [top, left, bottom, right]) {
  const box = [Math.max(1, left), Math.max(1, top), 0, 0];
  box[2] = Math.max(2, Math.min(context.canvas.width - 1, right) - box[0]);
  box[3] = Math.max(2, Math.min(context.canvas.height - 1, bottom) - box[1]);
  for (const [line, colour] of [[5, "#fff"], [2, "#000"]]) {
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.strokeRect(...box);
  }
}

function sizesOf(shape) {
  return shape.length === 3 ? shape : [shape[0], 1, 1];
}

/** Return the pixels of the input that a position of an operation can see: [top, left, bottom, right], cut off. */
function fieldBox(operation, row, column, input) {
  const span = ([first, last, jump], place, side) => [Math.max(0, Math.ceil(first + place * jump)), Math.min(side, Math.floor(last + place * jump) + 1)];
  const [top, bottom] = span(operation.field[0], row, input[1]);
  const [left, right] = span(operation.field[1], column, input[2]);
  return [top, left, bottom, right];
}
