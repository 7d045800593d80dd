// What a task shows of its evaluation, each kind of part by its own rule: paragraphs, tables, bars, points, matrices, pictures.
import { html } from "studio/core.js";
import { address } from "studio/api.js";
import { Name, Wide } from "studio/ui.js";

export function Sections({ found, asked }) {
  return found.sections.map((section) => html`<section key=${section.title}><h2>${section.title}</h2>${section.parts.map((part, at) => html`<${Part} key=${at} part=${part} asked=${asked} />`)}</section>`);
}

function Part({ part, asked }) {
  if (part.kind === "text") return html`<p>${part.strong ? html`<b>${part.text}</b>` : part.text}</p>`;
  if (part.kind === "table") return part.folded ? html`<details><summary>${part.label}</summary><${Table} part=${part} /></details>` : html`<${Table} part=${part} />`;
  if (part.kind === "bars") return html`<${Bars} part=${part} />`;
  if (part.kind === "points") return html`<${Points} part=${part} />`;
  if (part.kind === "matrix") return html`<${Matrix} part=${part} />`;
  return html`<${Tiles} part=${part} asked=${asked} />`;
}

const cell = (one) => (typeof one === "string" ? one : html`${one.value}${one.between && html`<small>${one.between}</small>`}`);

function Table({ part }) {
  return html`<${Wide} label=${part.label}><table aria-label=${part.label}><thead><tr>${part.heads.map((one) => html`<th key=${one} scope="col">${one}</th>`)}</tr></thead>
    <tbody>${part.rows.map((row, at) => html`<tr key=${at}>${row.map((one, place) => (place === 0 ? html`<th key=${place} scope="row"><${Name}>${cell(one)}</${Name}></th>` : html`<td key=${place}>${cell(one)}</td>`))}</tr>`)}</tbody></table></${Wide}>`;
}

function Bars({ part }) {
  const top = part.top ?? Math.max(...part.bars.map((one) => Math.max(one.value, one.high ?? 0)), 1e-9), low = Math.min(0, ...part.bars.map((one) => one.low ?? one.value));
  const at = (value) => `${(100 * (value - low)) / (top - low)}%`;
  return html`<${Wide} label=${part.label}><table class="bars" aria-label=${part.label}><tbody>${part.bars.map((one) => html`<tr key=${one.label}><th scope="row" title=${one.label}><${Name}>${one.label}</${Name}></th><td class="track"><span class="bar" style=${{ left: at(Math.min(0, one.value)), width: at(low + Math.abs(one.value)) }}></span>
    ${one.low !== null && html`<span class="span" style=${{ left: at(one.low), width: at(low + one.high - one.low) }}></span>`}</td><td>${one.words}</td></tr>`)}</tbody></table></${Wide}>`;
}

function Points({ part }) {
  const wide = 480, tall = 320, pad = 48, xs = part.dots.map(([x]) => x), ys = part.dots.map(([, y]) => y);
  const ends = part.diagonal ? [Math.min(...xs, ...ys), Math.max(...xs, ...ys)] : null, [x0, x1] = ends || [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = ends || [Math.min(...ys, part.level ?? Infinity), Math.max(...ys, part.level ?? -Infinity)];
  const x = (value) => pad + ((value - x0) / (x1 - x0 || 1)) * wide, y = (value) => 26 + (1 - (value - y0) / (y1 - y0 || 1)) * tall;
  if (!part.dots.length) return null;
  return html`<svg class="chart" viewBox=${`0 0 ${wide + pad + 12} ${tall + 66}`} role="img" aria-label=${part.alt}>
    ${[0, 0.5, 1].map((at) => html`<g key=${at}><line class="grid" x1=${pad} x2=${pad + wide} y1=${y(y0 + at * (y1 - y0))} y2=${y(y0 + at * (y1 - y0))} /><text class="tick end" x=${pad - 6} y=${y(y0 + at * (y1 - y0)) + 4}>${Number((y0 + at * (y1 - y0)).toPrecision(3))}</text><text class="tick mid" x=${x(x0 + at * (x1 - x0))} y=${tall + 42}>${Number((x0 + at * (x1 - x0)).toPrecision(3))}</text></g>`)}
    ${part.diagonal && html`<line class="ideal" x1=${x(x0)} y1=${y(y0)} x2=${x(x1)} y2=${y(y1)} />`}${part.level !== null && html`<line class="ideal" x1=${pad} x2=${pad + wide} y1=${y(part.level)} y2=${y(part.level)} />`}
    ${part.dots.map(([one, other], at) => html`<circle key=${at} class="dot c0" cx=${x(one)} cy=${y(other)} r="3" />`)}<text class="axis mid" x=${pad + wide / 2} y=${tall + 60}>${part.x}</text><text class="axis" x="4" y="14">${part.y}</text></svg>`;
}

function Matrix({ part }) {
  return html`<${Wide} label=${part.label}><table class="confusion" aria-label=${part.label}><thead><tr><th scope="col">${part.corner}</th>${part.columns.map((name) => html`<th key=${name} scope="col"><span title=${name}>${name}</span></th>`)}</tr></thead>
    <tbody>${part.rows.map((name, row) => html`<tr key=${name}><th scope="row"><${Name}>${name}</${Name}></th>${part.words[row].map((word, column) => html`<td key=${column} class=${part.shares[row][column] > 0.3 ? "strong" : ""} style=${{ "--share": (Math.max(0, part.shares[row][column]) ** 0.5).toFixed(3) }}>${word}</td>`)}</tr>`)}</tbody></table></${Wide}>`;
}

function Tiles({ part, asked }) {
  const of = (tile) => address("/judge/scene", { run: asked.run, part: asked.part ?? undefined, row: tile.row });
  return html`${part.heading && html`<h3>${part.heading}</h3>`}<ul class=${part.tiles.some((one) => one.scene) ? "judged scenes" : "judged"}>${part.tiles.map((tile, at) => html`<li key=${at}><img loading="lazy" alt=${tile.key} src=${of(tile)} /><p><b>${tile.said}</b><small class="quiet"><${Name}>${tile.key}</${Name}></small></p></li>`)}</ul>`;
}
