// Pictures: which ones, and what is in them.
import { html } from "studio/core.js";
import { get, pictureOf } from "studio/api.js";
import { counted, lastPart } from "studio/format.js";
import { Folders } from "studio/folders.js";
import { go, link } from "studio/router.js";
import { Command, Failed, Name, Notice, Question, useAnswer, Waiting } from "studio/ui.js";

export default function Pictures({ words, place }) {
  const folder = words.folder ?? place.folder;
  if (!folder || words.view === "choose") return html`<${Choose} place=${place} folder=${folder} />`;
  return html`<${Album} key=${folder} folder=${folder} />`;
}

function Choose({ place, folder }) {
  const take = (path) => go("pictures", { folder: path });
  return html`<${Question} title="Which pictures should it learn from?">A folder that has a folder for each class, such as cats and dogs.
      Pictures with boxes, masks or numbers are understood too. Nothing in it is ever changed.</${Question}>
    <div class="beside"><${Folders} begin=${folder || place.here} choose=${take} />
    <section class="card"><h2>Only trying?</h2><p>1,797 handwritten digits come along, 8 by 8 pixels each. A network learns them in half a minute.</p>
      <button onClick=${() => take("digits")}>Take the digits</button></section></div>`;
}

function Album({ folder }) {
  const asked = useAnswer((more) => get("/api/pictures", { folder }, more), [folder]);
  const found = asked.value;
  return html`<${Question} title=${`What is in ${lastPart(folder)}?`}>${found && html`<${Facts} found=${found} />`}</${Question}>
    <${Failed} error=${asked.error} again=${asked.again} />
    ${asked.error && html`<p><a href=${link("pictures", { view: "choose" })}>Choose another folder</a></p>`}
    ${!found && asked.waiting && html`<${Waiting}>Looking at the pictures.</${Waiting}>`}
    ${found && html`<div class="actions"><a class="button primary" href=${link("train", { folder })}>Train on these</a>
        <a class="button" href=${link("pictures", { view: "choose" })}>Another folder</a></div>
      ${found.notes.map((note) => html`<${Notice} key=${note}>${note}</${Notice}>`)}
      <${Classes} found=${found} folder=${folder} />
      <${Command} text=${found.command} title="What is wrong with them, as a command" />`}`;
}

function Facts({ found }) {
  const [height, width] = found.size.common || found.size.median;
  return html`${counted(found.pictures, "picture")}${found.names.length > 0 && html` of ${counted(found.names.length, found.noun)}`},
    ${found.size.common ? " all" : " about"} ${width} × ${height} pixels${found.size.gray ? ", gray" : ""}.`;
}

function Classes({ found, folder }) {
  const most = Math.max(1, ...found.classes.map((one) => one.pictures));
  if (!found.classes.length) return html`<div class="thumbs">${found.samples.map((key) => html`<img key=${key} loading="lazy" alt="" src=${pictureOf(folder, key)} />`)}</div>`;
  return html`<ul class="classes">${found.classes.map((one) => html`<li key=${one.name} class="card">
    <h2><${Name}>${one.name}</${Name}></h2><p class="quiet">${counted(one.pictures, "picture")}</p>
    <div class="track" aria-hidden="true"><i style=${{ width: `${(100 * one.pictures) / most}%` }}></i></div>
    <div class="thumbs">${one.samples.map((key) => html`<img key=${key} loading="lazy" alt=${`of ${one.name}`} src=${pictureOf(folder, key)} />`)}</div></li>`)}</ul>`;
}
