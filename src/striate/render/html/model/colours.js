"use strict";
// Numbers as colours, the same as in every page of Striate (striate/render/colours.py), and small helpers of the page.

/** Return an element with properties and children; text is always text. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function byId(name) {
  return home.root.getElementById(name);
}

/** Return a name that a person gave, by itself: one in another script turns nothing around. */
function nameOf(text) {
  return make("bdi", {}, String(text));
}

/** Return a number as people read it: 4 digits, a true minus. */
function figure(value) {
  if (value === null || value === undefined) return "";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
}

/** Tables of colours, each 3 bytes a step: amounts, and what has a sign. */
const TABLES = { amounts: null, signed: null };

function readTables(facts) {
  for (const name of Object.keys(TABLES)) TABLES[name] = Uint8Array.from(atob(facts[name]), (sign) => sign.charCodeAt(0));
}

/** Return the scale of some values: {low, high}, from 0 or symmetric around it. */
function scaleOf(data) {
  let low = 0, high = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] < low) low = data[i];
    if (data[i] > high) high = data[i];
  }
  const size = Math.max(-low, high) || 1;
  return { low: low < 0 ? -size : 0, high: size };
}

/** Write a value's colour at place `at` of RGBA. */
function paint(rgba, at, value, scale) {
  const table = scale.low < 0 ? TABLES.signed : TABLES.amounts;
  const last = table.length / 3 - 1;
  const step = Math.min(last, Math.max(0, Math.round(((value - scale.low) / (scale.high - scale.low)) * last)));
  rgba[at] = table[3 * step];
  rgba[at + 1] = table[3 * step + 1];
  rgba[at + 2] = table[3 * step + 2];
  rgba[at + 3] = 255;
}

/** Return `high` x `wide` values from `start` as an image. */
function imageOf(data, start, high, wide, scale) {
  const image = new ImageData(wide, high);
  for (let i = 0; i < high * wide; i++) paint(image.data, 4 * i, data[start + i], scale);
  return image;
}

/** Draw values into a canvas of their own size; the page enlarges it. */
function drawValues(canvas, data, start, high, wide, scale) {
  canvas.width = wide;
  canvas.height = high;
  canvas.getContext("2d").putImageData(imageOf(data, start, high, wide, scale), 0, 0);
}

/** Return the colour and the ink of a value, for a cell with a number in it. */
function cellColours(value, scale) {
  const rgba = [0, 0, 0, 0];
  paint(rgba, 0, value, scale);
  const [red, green, blue] = rgba.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return { background: `rgb(${rgba.slice(0, 3)})`, color: 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff" };
}

/** Show a scale as a bar with its ends; `unit` says what is shown. */
function showLegend(element, scale, unit) {
  const stops = Array.from({ length: 13 }, (_, i) => cellColours(scale.low + ((scale.high - scale.low) * i) / 12, scale).background);
  const bar = make("i");
  bar.style.background = `linear-gradient(90deg, ${stops})`;
  const ends = [scale.low, (scale.low + scale.high) / 2, scale.high].map((value) => make("span", {}, figure(value)));
  element.replaceChildren(bar, make("b", {}, ...ends), make("em", {}, unit));
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `colours: from ${figure(scale.low)} to ${figure(scale.high)}, ${unit}`);
}
