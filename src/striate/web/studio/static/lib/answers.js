// Answers of looks: a question, its answer, pictures with captions on one scale, what they show and what they do not.
import { html } from "studio/core.js";

export function Answers({ answers, open = 1 }) {
  return answers.map((one, place) => (place < open ? html`<${Answer} key=${one.question} one=${one} />`
    : html`<details class="question" key=${one.question}><summary><h2>${one.question}</h2><span>${one.said}</span></summary><${Body} one=${one} /></details>`));
}

function Answer({ one }) {
  return html`<section class="answer-told"><h2>${one.question}</h2><p class="said">${one.said}</p><${Body} one=${one} /></section>`;
}

function Body({ one }) {
  return html`${one.caution && html`<p class="caution">${one.caution}</p>`}${one.lead && html`<p class="caution">${one.lead}</p>`}
    ${one.notes.map((note) => html`<p key=${note}>${note}</p>`)}
    ${one.rows.map((row, place) => html`<div class="row" key=${place}>${row.heading && html`<h3>${row.heading}</h3>`}
      ${row.legend && html`<${Scale} legend=${row.legend} />`}
      <div class="tiles">${row.tiles.map((tile, at) => html`<figure class="tile" key=${at} style=${{ width: `min(100%, ${tile.shown}px)` }}>
        <img class=${tile.smooth ? "" : "pixels"} src=${tile.source} alt=${tile.alt} style=${{ width: "100%", height: "auto" }} />${tile.caption && html`<figcaption>${tile.caption}</figcaption>`}</figure>`)}</div>
      ${row.notes.map((note) => html`<p class="quiet" key=${note}>${note}</p>`)}</div>`)}
    ${one.table && html`<div class="wide" tabindex="0" role="group" aria-label=${one.question}><table><thead><tr>${one.table.heads.map((head) => html`<th scope="col" key=${head}>${head}</th>`)}</tr></thead>
      <tbody>${one.table.rows.map((row, at) => html`<tr key=${at}>${row.map((cell, place) => (place ? html`<td key=${place}>${cell}</td>` : html`<th scope="row" key=${place}>${cell}</th>`))}</tr>`)}</tbody></table></div>`}
    ${(one.shows || one.hides) && html`<dl class="reading">${one.shows && html`<dt>It shows</dt><dd>${one.shows}</dd>`}${one.hides && html`<dt>It does not show</dt><dd>${one.hides}</dd>`}</dl>`}
    <${Answers} answers=${one.more} open=${0} />`;
}

export function Scale({ legend }) {
  return html`<div class="scale" role="img" aria-label=${legend.words}><i style=${{ background: `linear-gradient(90deg, ${legend.colours})` }}></i>
    <b><span>${Number(legend.low.toPrecision(3))}</span><span>${Number(legend.high.toPrecision(3))}</span></b><em>${legend.unit}</em></div>`;
}
