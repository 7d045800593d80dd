// Curves over epochs: uPlot in the colours of the page, light and dark, as wide as there is room.
import { html, useEffect, useRef } from "studio/core.js";

const { uPlot } = globalThis; // a script of its own, which is published small only so
const COLOURS = ["--c0", "--c1", "--c2"];
const dark = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(curves, width, height, label, form, whole) {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width, height, legend: { show: false }, cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => room(low, high) } },
    series: [{ label }, ...curves.map((one, index) => ({
      label: one.name, stroke: colour(COLOURS[index % 3]), width: one.thin ? 1 : 2, alpha: one.thin ? 0.5 : 1,
      points: { show: (plot, at) => plot.data[at].filter((value) => value !== null && value !== undefined).length < 3 }, spanGaps: true }))],
    axes: [{ ...axis, incrs: whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] : [0.1, 0.2, 0.25, 0.5] }, { ...axis, size: 52, values: (_, marks) => marks.map(form) }],
  };
}

function room(low, high) {
  if (low === null || low === undefined) return [0, 1];
  const span = Math.max(high - low, 1e-6 * Math.max(1, Math.abs(high)));
  return [low >= 0 && low < span ? 0 : low - 0.05 * span, high + 0.05 * span];
}

// curves: [{ name, values, thin }], one value an x (null: none), which is a whole number or from 0 to 1; `title` is read out with the newest values,
// or with those at the place `at`.
export function Curves({ title, x, curves, label = "epoch", height = 220, form = (value) => String(value), whole = true, at }) {
  const place = useRef(), drawn = useRef(), kind = curves.map((one) => one.name).join("\n");
  const data = () => [x, ...curves.map((one) => one.values)];
  useEffect(() => {
    const make = () => {
      drawn.current?.destroy();
      drawn.current = new uPlot(options(curves, place.current.clientWidth || 300, height, label, form, whole), data(), place.current);
    };
    make();
    const sized = new ResizeObserver(() => place.current && drawn.current?.setSize({ width: place.current.clientWidth, height }));
    sized.observe(place.current);
    dark.addEventListener("change", make);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", make);
      drawn.current.destroy();
      drawn.current = null;
    };
  }, [kind, height]);
  useEffect(() => {
    drawn.current?.setData(data());
    if (at !== undefined) queueMicrotask(() => drawn.current?.setCursor({ left: drawn.current.valToPos(x[at], "x"), top: 0 }));
  });
  const newest = curves.map((one) => [one.name, at !== undefined ? one.values[at] ?? undefined : one.values.findLast((value) => value !== null && value !== undefined)]);
  const said = newest.filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${form(value)}`).join(", ");
  return html`<figure class="curves"><figcaption><b>${title}</b><ul class="legend">${newest.map(([name, value], index) => html`
      <li key=${name}><span class=${`key c${index % 3}`}></span>${name}${value !== undefined && html` <output>${form(value)}</output>`}</li>`)}</ul></figcaption>
    <div ref=${place} role="img" aria-label=${`${title}: ${said || "nothing yet"}`}></div></figure>`;
}
