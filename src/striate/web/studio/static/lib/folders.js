// A browser of this machine's folders: `choose(path)` is told the one that is taken.
import { html, useState } from "studio/core.js";
import { get } from "studio/api.js";
import { counted } from "studio/format.js";
import { Failed, Name, useAnswer, Waiting } from "studio/ui.js";

function looks(one) {
  const said = [];
  if (one.pictures) said.push(counted(one.pictures, "picture"));
  if (one.inside) said.push(counted(one.inside, "folder"));
  return said.join(", ") || (one.pictures === null ? "" : "empty");
}

export function Folders({ begin, choose, verb = "Use this folder" }) {
  const [path, setPath] = useState(begin);
  const [typed, setTyped] = useState("");
  const asked = useAnswer((more) => get("/api/folders", { path }, more), [path]);
  const found = asked.value;
  const open = (to) => { setTyped(""); setPath(to); };
  return html`<section class="folders" aria-label="Folders of this machine">
    <form class="typed" onSubmit=${(event) => { event.preventDefault(); if (typed.trim()) open(typed.trim()); }}>
      <label class="hidden" for="typed-path">Path of a folder</label>
      <input id="typed-path" value=${typed || found?.path || ""} spellcheck=${false} onInput=${(event) => setTyped(event.target.value)} />
      <button>Open</button></form>
    <${Failed} error=${asked.error} again=${asked.error && path !== begin ? () => open(begin) : asked.again} />
    ${!found && asked.waiting && html`<${Waiting}>Looking into the folder.</${Waiting}>`}
    ${found && html`<div class="taken"><p><b><${Name}>${found.parts.at(-1).name}</${Name}></b> <span class="quiet">${looks(found)}</span></p>
        <button class="primary" disabled=${!found.pictures && !found.inside} onClick=${() => choose(found.path)}>${verb}</button></div>
      <ul class="folder-list">
        ${found.parent && html`<li key=".."><button onClick=${() => open(found.parent)}><span aria-hidden="true">↑</span> <span>One up</span></button></li>`}
        ${found.folders.map((one) => html`<li key=${one.path}><button onClick=${() => open(one.path)}><span class="folder-icon" aria-hidden="true"></span>
          <${Name}>${one.name}</${Name}><small>${looks(one)}</small></button></li>`)}
        ${found.more > 0 && html`<li class="quiet">and ${found.more} more; type the path above</li>`}</ul>`}
  </section>`;
}
