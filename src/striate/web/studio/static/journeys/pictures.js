// Pictures: which ones, and what is in them. Each view is a module of its own.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { counted, lastPart } from "studio/format.js";
import { Folders } from "studio/folders.js";
import { Told } from "studio/decide.js";
import { go, link } from "studio/router.js";
import { Failed, Name, Question, useAnswer, Waiting } from "studio/ui.js";

const VIEWS = {
  undefined: () => import("./pictures-classes.js"),
  class: () => import("./pictures-class.js"),
  wrong: () => import("./pictures-wrong.js"),
  seen: () => import("./pictures-seen.js"),
  decided: () => import("./pictures-decided.js"),
  collect: () => import("./pictures-collect.js"),
};

export default function Pictures({ words, place }) {
  const folder = words.folder ?? place.folder;
  if (!folder || words.view === "choose") return html`<${Choose} place=${place} folder=${folder} />`;
  if (words.view === "collect") return html`<${View} key="collect" view="collect" folder=${folder} />`;
  return html`<${Album} key=${folder} folder=${folder} words=${words} /><${Told} />`;
}

function View({ view, ...more }) {
  const [found, setFound] = useState({});
  useEffect(() => { (VIEWS[view] || VIEWS[undefined])().then((module) => setFound({ view, module }), (error) => setFound({ error })); }, [view]);
  if (found.error) return html`<${Failed} error=${found.error} />`;
  return found.module && found.view === view ? html`<${found.module.default} ...${more} />` : null;
}

function Choose({ place, folder }) {
  const [name, setName] = useState("");
  const [error, setError] = useState(null);
  const made = useAnswer((more) => get("/api/collect/all", {}, more), []);
  const take = (path) => go("pictures", { folder: path });
  const begin = async (event) => {
    event.preventDefault();
    try {
      go("pictures", { folder: (await post("/api/collect/begin", { name })).folder, view: "collect" });
    } catch (found) {
      setError(found);
    }
  };
  return html`<${Question} title="Which pictures should it learn from?">A folder that has a folder for each class, such as cats and dogs.
      Pictures with boxes, masks or numbers are understood too. Nothing in it is ever changed.</${Question}>
    <div class="beside"><${Folders} begin=${folder?.startsWith("/") ? folder : place.here} choose=${take} />
    <div class="stack"><section class="card"><h2>No folder yet?</h2><p>Make one here: drop pictures into classes, or take them with the camera.</p>
        <form class="line" onSubmit=${begin}><label class="hidden" for="new-name">What the new pictures are called</label>
          <input id="new-name" placeholder="such as cups" value=${name} onInput=${(event) => setName(event.target.value)} /><button disabled=${!name.trim()}>Begin</button></form>
        <${Failed} error=${error} />
        ${made.value?.collections.length > 0 && html`<ul class="plain-list">${made.value.collections.map((one) => html`<li key=${one.folder}><a href=${link("pictures", { folder: one.folder, view: "collect" })}><${Name}>${one.name}</${Name}></a>
          <span class="quiet"> ${counted(one.pictures, "picture")}</span></li>`)}</ul>`}</section>
      <section class="card"><h2>Only trying?</h2><p>1,797 handwritten digits come along, 8 by 8 pixels each. A network learns them in half a minute.</p>
        <button onClick=${() => take("digits")}>Take the digits</button></section></div></div>`;
}

const TABS = [
  [undefined, "Classes"],
  ["wrong", "What is wrong"],
  ["seen", "What the network is given"],
  ["decided", "What you decided"],
];

function Album({ folder, words }) {
  const asked = useAnswer((more) => get("/api/pictures", { folder }, more), [folder]);
  const found = asked.value;
  const here = words.view === "class" ? undefined : words.view, row = useRef();
  useEffect(() => row.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [here, Boolean(found)]);
  const tabs = TABS.filter(([view]) => found && (found.can_decide || !["wrong", "decided"].includes(view)));
  return html`<${Question} title=${words.view === "class" ? `What is in ${words.class}?` : `What is in ${lastPart(folder)}?`}>${found && (words.view === "class" ? html`One of the ${counted(found.names.length, found.noun)} of <${Name}>${lastPart(folder)}</${Name}>.` : html`<${Facts} found=${found} />`)}</${Question}>
    <${Failed} error=${asked.error} again=${asked.again} />
    ${asked.error && html`<p><a href=${link("pictures", { view: "choose", folder })}>Choose another folder</a></p>`}
    ${!found && asked.waiting && html`<${Waiting}>Looking at the pictures.</${Waiting}>`}
    ${found && html`<div class="actions"><a class="button primary" href=${link("train", { folder })}>Train on these</a>
        ${found.collected && html`<a class="button" href=${link("pictures", { folder, view: "collect" })}>Add pictures</a>`}
        <a class="button" href=${link("pictures", { view: "choose", folder })}>Another folder</a></div>
      <nav ref=${row} class="tabs" aria-label="Of these pictures">${tabs.map(([view, title]) => html`<a key=${title} href=${link("pictures", { folder, view })} aria-current=${view === here ? "page" : undefined}>${title}${view === "decided" && found.decided && html` <small>${found.decided}</small>`}</a>`)}</nav>
      <${View} view=${words.view} folder=${folder} found=${found} words=${words} again=${asked.again} />`}`;
}

function Facts({ found }) {
  const [height, width] = found.size.common || found.size.median;
  const parts = Object.entries(found.parts).map(([part, number]) => `${number.toLocaleString("en")} ${part}`).join(", ");
  return html`${counted(found.pictures, "picture")}${found.names.length > 0 && html` of ${counted(found.names.length, found.noun)}`},
    ${found.size.common ? " all" : " about"} ${width} × ${height} pixels${found.size.gray ? ", gray" : ""}.${parts && html` Divided already: ${parts}.`}
    ${found.before !== found.pictures && html` ${counted(found.before - found.pictures, "picture")} left out by you.`}`;
}
