// One number, term by term: the values of its window, the weights, the products, the sum; each value leads to its own.
import { html, useState } from "studio/core.js";
import { figure } from "studio/format.js";
import { shade } from "studio/maps.js";

const MOST = 12; // rows and columns of a window that are shown as a grid

export function Made({ found, to }) {
  const [channels, high, wide] = found.window || [0, 0, 0];
  const grid = found.window && high <= MOST && wide <= MOST && channels * high * wide === found.terms.length && high * wide > 1;
  return html`<section class="made" aria-live="polite"><h2>${found.part} <span class="quiet">${found.layer}</span></h2>
    <p class="said">${found.place}: <b>${figure(found.network)}</b></p><p>${found.rule}:</p><pre>${found.formula}</pre>
    ${grid ? html`<${Window} key=${`${found.part} ${found.channel}`} found=${found} to=${to} />` : html`<${Terms} found=${found} to=${to} />`}
    ${found.then.map((one) => html`<div key=${one.part}><h3>${one.part} <span class="quiet">${one.layer}</span></h3><p>${one.rule}:</p><pre>${one.formula}</pre></div>`)}</section>`;
}

// Where a term came from: the part, channel and place that it leads to; null for padding and for the picture itself.
function origin(found, at) {
  const given = found.given[found.source ? found.source[at] : 0], [channel, row, column] = found.places[at];
  if (found.padding?.[at] || !given) return null;
  return { part: given.part, channel, at: given.shape.length === 3 ? `${row},${column}` : undefined, said: given.part === "input" ? `the picture, channel ${channel}, row ${row}, column ${column}` : `${given.part}, channel ${channel}${given.shape.length === 3 ? `, row ${row}, column ${column}` : ""}` };
}

function Value({ found, at, to, scale }) {
  const from = origin(found, at), value = found.values[at], colour = tint(value, scale);
  if (!from || from.part === "input") return html`<span class=${from ? "" : "quiet"} style=${colour} title=${from ? from.said : "padding"}>${figure(value)}</span>`;
  return html`<button class="number-button" style=${colour} title=${`On to ${from.said}`} aria-label=${`${figure(value)}, on to ${from.said}`} onClick=${() => to(from)}>${figure(value)}</button>`;
}

function tint(value, scale) {
  const rgb = shade((127 * value) / (scale || 1), true);
  const light = rgb.map((one) => (one / 255 <= 0.04045 ? one / 3294.6 : ((one / 255 + 0.055) / 1.055) ** 2.4)); // WCAG 2, relative luminance
  return { background: `rgb(${rgb})`, color: 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.179 ? "#000" : "#fff" };
}

function Window({ found, to }) {
  const [channels, high, wide] = found.window, size = high * wide;
  const sums = Array.from({ length: channels }, (_, one) => found.terms.slice(one * size, (one + 1) * size).reduce((sum, term) => sum + term, 0));
  const order = sums.map((_, one) => one).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
  const [chosen, setChosen] = useState(order[0]);
  const grids = [["values", found.values, found.given[0]?.part === "input" ? "the picture" : `from ${found.given[0]?.part}`], ...(found.weights ? [["weights", found.weights, "learnt"]] : []), ["products", found.terms, `sum ${figure(sums[chosen])}`]];
  const cells = (name, numbers) => {
    const scale = Math.max(...numbers.map(Math.abs));
    return html`<table><tbody>${Array.from({ length: high }, (_, row) => html`<tr key=${row}>${Array.from({ length: wide }, (_, column) => {
      const at = chosen * size + row * wide + column;
      return html`<td key=${column} class=${found.winner === at ? "marked" : ""}>${name === "values" ? html`<${Value} found=${found} at=${at} to=${to} scale=${scale} />` : html`<span style=${tint(numbers[at], scale)}>${figure(numbers[at])}</span>`}</td>`;
    })}</tr>`)}</tbody></table>`;
  };
  return html`${channels > 1 && html`<label class="field part-field"><span>Which of the ${channels} channels it reads</span><select value=${chosen} onChange=${(event) => setChosen(Number(event.target.value))}>
      ${order.map((one) => html`<option key=${one} value=${one}>channel ${found.places[one * size][0]}: gives ${figure(sums[one])}</option>`)}</select></label>`}
    <div class="windows">${grids.map(([name, numbers, note], at) => html`<div key=${name}><h3>${at ? (at === 1 && found.weights ? "× " : "= ") : ""}${name} <span class="quiet">${note}</span></h3><div class="wide" tabindex="0" role="group" aria-label=${name}>${cells(name, numbers)}</div></div>`)}</div>
    ${channels > 1 && html`<p class="quiet">All ${channels} channels together${found.bias !== null ? ` and the bias ${figure(found.bias)}` : ""}: ${figure(found.result)}.</p>`}`;
}

function Terms({ found, to }) {
  const order = found.terms.map((_, at) => at).sort((a, b) => Math.abs(found.terms[b]) - Math.abs(found.terms[a])).slice(0, 24);
  if (!order.length) return null;
  const scale = Math.max(...order.map((at) => Math.abs(found.values[at])));
  return html`<p class="quiet">${found.count > order.length ? `The ${order.length} largest of ${found.count.toLocaleString("en")} terms.` : ""}</p>
    <div class="wide" tabindex="0" role="group" aria-label="The terms"><table><thead><tr><th scope="col">From</th><th scope="col">Value</th>${found.weights && html`<th scope="col">Weight</th>`}<th scope="col">Gives</th></tr></thead>
    <tbody>${order.map((at) => html`<tr key=${at} class=${found.winner === at ? "chosen" : ""}><th scope="row">${origin(found, at)?.said ?? "padding"}</th><td><${Value} found=${found} at=${at} to=${to} scale=${scale} /></td>${found.weights && html`<td>${figure(found.weights[at])}</td>`}<td>${figure(found.terms[at])}</td></tr>`)}</tbody></table></div>`;
}
