// What every part of a network makes of its input and costs, and what one of its positions sees of the picture.
import { html, useEffect, useState } from "studio/core.js";
import { pictureOf } from "studio/api.js";
import { thousands } from "studio/format.js";

// Three figures and a prefix: 470 k, 2.51 M.
export function short(number) {
  for (const [size, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (number >= 0.9995 * size) return `${(number / size).toPrecision(3)} ${prefix}`;
  return String(number);
}

const sees = (field) => (!field ? "" : field.jump.every((one) => !one) ? "all" : field.size[0] === field.size[1] ? field.size[0] : field.size.join("×"));

export function Parts({ survey, whole, part, choose }) {
  const most = Math.max(1, ...survey.rows.map((row) => row.parameters)), costs = Math.max(1, ...survey.rows.map((row) => row.macs || 0));
  return html`<h2>Part by part</h2><p class="quiet">${whole ? "Choose a part to see what one of its positions sees of the picture." : "Up to the part that does not fit."}</p>
    <div class="wide" tabindex="0" role="group" aria-label="Part by part"><table class="net parts"><thead><tr><th scope="col">Part</th><th scope="col">Layer</th><th scope="col">Output</th><th scope="col">Parameters</th><th scope="col">MACs</th><th scope="col">Field</th><th scope="col">Jump</th></tr></thead>
    <tbody><tr><th scope="row">input</th><td></td><td>${survey.input}</td><td></td><td></td><td></td><td></td></tr>
      ${survey.rows.map((row) => html`<tr key=${row.path} class=${row.path === part ? "chosen" : ""}><th scope="row"><button class="plain" aria-pressed=${row.path === part ? "true" : "false"} onClick=${() => choose(row.path)}>${row.path}</button></th>
        <td><span class="layer">${row.layer}</span>${row.unseen && html`<small>passes over ${(100 * row.unseen.positions / row.unseen.of).toPrecision(2)} % of its input</small>`}</td><td>${row.output}</td>
        <td><${Share} share=${row.parameters / most} />${thousands(row.parameters)}</td><td><${Share} share=${(row.macs || 0) / costs} />${short(row.macs || 0)}</td>
        <td>${sees(row.field)}</td><td>${row.field && row.field.jump.some(Boolean) ? row.field.jump.map((one) => Number(one.toFixed(2))).filter((one, place, all) => !place || one !== all[0]).join("×") : ""}</td></tr>`)}
      <tr class="total"><th scope="row">total</th><td></td><td>${survey.output ?? ""}</td><td>${thousands(survey.parameters)}</td><td>${short(survey.macs)}</td><td></td><td></td></tr></tbody></table></div>
    ${survey.more > 0 && html`<p class="quiet">and ${thousands(survey.more)} more; the command lists all.</p>`}`;
}

const Share = ({ share }) => share > 0 && html`<span class="share" aria-hidden="true"><i style=${{ width: `${Math.max(2, 100 * share)}%` }}></i></span>`;

// The receptive field of a position, on a picture of the folder; its neighbour's beside it.
export function Seen({ survey, part, samples, folder }) {
  const chosen = survey.rows.find((row) => row.path === part) ?? [...survey.rows].reverse().find((row) => row.field && row.field.jump.some(Boolean)) ?? survey.rows[0];
  const [channels, height, width] = survey.input.split("x").map(Number);
  const [, rows = 1, columns = 1] = chosen ? chosen.output.split("x").map(Number) : [];
  const [at, setAt] = useState(null);
  const [which, setWhich] = useState(0);
  useEffect(() => setAt(null), [chosen?.path, rows, columns]);
  if (!height || !chosen?.field) return html`<p class="quiet">A flat vector comes in: it has no positions.</p>`;
  const { size, jump, start } = chosen.field;
  const [row, column] = at ?? [Math.floor((rows - 1) / 2), Math.floor((columns - 1) / 2)];
  const box = (down, right) => ({ x: start[1] + jump[1] * right, y: start[0] + jump[0] * down, width: size[1], height: size[0] });
  const move = (event) => {
    const edge = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - edge.left) / edge.width) * width, y = ((event.clientY - edge.top) / edge.height) * height;
    const near = (value, axis, count) => Math.max(0, Math.min(count - 1, jump[axis] ? Math.round((value - start[axis] - size[axis] / 2) / jump[axis]) : 0));
    setAt([near(y, 0, rows), near(x, 1, columns)]);
  };
  const slide = (axis, label, value, most) => most > 1 && html`<label>${label} <input type="range" min="0" max=${most - 1} value=${value}
    onInput=${(event) => setAt(axis ? [row, Number(event.target.value)] : [Number(event.target.value), column])} /></label>`;
  return html`<figure class="seen-by"><svg viewBox=${`0 0 ${width} ${height}`} onPointerMove=${move} role="img" aria-label=${`What position ${row}, ${column} of ${chosen.path} sees: ${size.join(" by ")} pixels`}>
      <rect class="ground" width=${width} height=${height} />
      ${samples.length > 0 && html`<image href=${pictureOf(folder, samples[which], { large: true })} width=${width} height=${height} preserveAspectRatio="none" />`}
      ${column + 1 < columns && html`<rect class="next" ...${box(row, column + 1)} />`}<rect class="field-box" ...${box(row, column)} /></svg>
    <figcaption><p><b>${chosen.path}</b> puts out ${chosen.output}. Position (${row}, ${column}) sees ${jump.every((one) => !one) ? "the whole picture" : html`${size[0]} × ${size[1]} pixels of the ${channels === 1 ? "gray" : "colour"} picture`}${
      jump.some(Boolean) ? html`; its neighbour (dashed) begins ${jump[1]} ${jump[1] === 1 ? "pixel" : "pixels"} on.` : "."}</p>
      <div class="slides">${slide(0, "Row", row, rows)}${slide(1, "Column", column, columns)}</div>
      ${samples.length > 1 && html`<button class="small" onClick=${() => setWhich((which + 1) % samples.length)}>Another picture</button>`}</figcaption></figure>`;
}
