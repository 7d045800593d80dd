// Find: what is like a picture or a part of it, which pictures belong together, and the map of all of them.
import { html, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { counted, lastPart } from "studio/format.js";
import { Folders } from "studio/folders.js";
import { go, link } from "studio/router.js";
import { Command, Failed, Name, Notice, Question, useAnswer, Waiting } from "studio/ui.js";
import { useProgress, Working } from "studio/working.js";
import { FoundMap, Groups } from "./find-groups.js";
import { Search } from "./find-search.js";

const VIEWS = [[undefined, "Search", Search], ["groups", "Groups", Groups], ["map", "Map", FoundMap]];
const USUAL = "the usual network, of photographs";

export default function Find({ words, place }) {
  const folder = words.folder ?? place.folder;
  if (!folder || words.view === "choose") return html`<${Question} title="In which pictures?">A folder of pictures, at any depth; they need no classes. Nothing in it is ever changed.</${Question}>
    <${Folders} begin=${folder?.startsWith("/") ? folder : place.here} choose=${(path) => go("find", { folder: path })} />`;
  if (!folder.startsWith("/")) return html`<${Question} title="In which pictures?">The pictures of <b><${Name}>${folder}</${Name}></b> are no files. What is looked for lies in a folder of pictures.</${Question}>
    <p><a class="button primary" href=${link("find", { view: "choose" })}>Choose a folder</a></p>`;
  return html`<${Album} key=${`${folder}\n${words.model || ""}`} folder=${folder} words=${words} />`;
}

function Album({ folder, words }) {
  const model = words.model || undefined;
  const asked = useAnswer((more) => get("/api/find", { folder, model }, more), [folder, model]);
  const found = asked.value, keep = { folder, model };
  const [, , View] = VIEWS.find(([name]) => name === words.view) || VIEWS[0];
  if (asked.error) return html`<${Question} title=${`What is alike in ${lastPart(folder)}?`} /><${Failed} error=${asked.error} again=${asked.again} /><${Other} folder=${folder} />`;
  if (!found) return html`<${Waiting}>Looking for the index of these pictures.</${Waiting}>`;
  if (!found.index) return html`<${Make} found=${found} model=${model} again=${asked.again} />`;
  const compared = html`Among ${counted(found.index.pictures, "picture")} of <${Name}>${lastPart(folder)}</${Name}>, by what <${Name}>${found.index.model}</${Name}> sees in them.
    ${found.index.missing > 0 && html` ${counted(found.index.missing, "picture")} ${found.index.missing === 1 ? "is" : "are"} new, and looked at first.`}
    ${found.index.unread.length > 0 && html` ${counted(found.index.unread.length, "picture")} cannot be read: ${found.index.unread[0].picture}.`}`;
  const tabs = html`<nav class="tabs" aria-label="Of these pictures">${VIEWS.map(([view, title]) => html`<a key=${title} href=${link("find", { ...keep, view })} aria-current=${view === words.view ? "page" : undefined}>${title}</a>`)}</nav>`;
  return html`<${View} key=${words.view} folder=${folder} words=${words} keep=${keep} index=${found.index} compared=${compared} tabs=${tabs} command=${found.command}
      other=${html`<${ComparedBy} folder=${folder} model=${model} view=${words.view} /><${Other} folder=${folder} />`} />`;
}

const Other = ({ folder }) => html`<p class="find-other"><a href=${link("find", { folder, view: "choose" })}>Another folder</a></p>`;

// The index, before there is one.
function Make({ found, model, again }) {
  const [state, setState] = useState({});
  const [far, clear] = useProgress("find.index");
  const make = () => {
    clear();
    setState({ working: true });
    post("/api/find/index", { folder: found.folder, model: model ?? null }).then(again, (error) => setState({ error }));
  };
  return html`<${Question} title=${`What is alike in ${lastPart(found.folder)}?`}>A network looks at each picture once, and keeps what it saw as numbers: the index. Then any
      picture is compared with all of them at once. The folder is only read.</${Question}>
    ${state.working ? html`<${Working} far=${far}>Opening the network.</${Working}><p class="quiet">Leave the page, and what was looked at is kept: it goes on from there.</p>`
      : html`<${Failed} error=${state.error} /><div class="actions"><button class="primary large" disabled=${!found.pictures} onClick=${make}>Look at ${counted(found.pictures, "picture")}</button></div>
        ${!found.pictures && html`<${Notice}>There is no picture in this folder.</${Notice}>`}<${ComparedBy} folder=${found.folder} model=${model} /><${Other} folder=${found.folder} />`}
    <${Command} text=${found.command} />`;
}

// By whose maps pictures are compared: the usual network's, or those of a run of one's own.
function ComparedBy({ folder, model, view }) {
  const asked = useAnswer((more) => get("/api/runs", {}, more), []);
  const names = (asked.value?.runs || []).filter((one) => one.state === "finished").map((one) => one.name);
  if (model && !names.includes(model)) names.push(model);
  if (!names.length) return null;
  return html`<label class="line compared-by">Compared by <select value=${model || ""} onChange=${(event) => go("find", { folder, view, model: event.target.value })}>
    <option value="">${USUAL}</option>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`;
}
