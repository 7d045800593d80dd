// Every class of a folder with its number, sizes and samples.
import { html } from "studio/core.js";
import { pictureOf } from "studio/api.js";
import { counted } from "studio/format.js";
import { link } from "studio/router.js";
import { Command, Name, Notice } from "studio/ui.js";

export default function Classes({ found, folder }) {
  return html`${found.notes.map((note) => html`<${Notice} key=${note}>${note}</${Notice}>`)}
    ${found.bad > 0 && html`<${Notice}>${counted(found.bad, "file")} cannot be used: ${found.rejected.filter((one) => one.bad).slice(0, 3).map((one) => `${one.key} (${one.reason})`).join("; ")}${found.bad > 3 ? "; …" : ""}</${Notice}>`}
    ${found.classes.length ? html`<${Cards} found=${found} folder=${folder} />`
      : html`<div class="thumbs large-thumbs">${found.samples.map((key) => html`<img key=${key} loading="lazy" alt=${key} src=${pictureOf(folder, key)} />`)}</div>`}
    <${Command} text=${found.command} title="What is wrong with them, as a command" />`;
}

function Cards({ found, folder }) {
  const most = Math.max(1, ...found.classes.map((one) => one.pictures));
  return html`<ul class="classes">${found.classes.map((one) => html`<li key=${one.name} class="card">
    <h2><a href=${link("pictures", { folder, view: "class", class: one.name })}><${Name}>${one.name}</${Name}></a></h2>
    <p class="quiet">${counted(one.pictures, "picture")}${one.sizes && html`, ${sizes(one.sizes)}`}</p>
    <div class="track" aria-hidden="true"><i style=${{ width: `${(100 * one.pictures) / most}%` }}></i></div>
    <div class="thumbs">${one.samples.map((key) => html`<img key=${key} loading="lazy" alt=${`of ${one.name}`} src=${pictureOf(folder, key)} />`)}</div></li>`)}</ul>`;
}

const span = (low, high) => (low === high ? low : `${low}–${high}`);
const sizes = ([narrow, wide, low, tall]) => `${span(narrow, wide)} × ${span(low, tall)} pixels`;
