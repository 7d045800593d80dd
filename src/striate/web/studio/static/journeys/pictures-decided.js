// What was decided about the pictures, each to be taken back; the file that keeps it; the folder is as it was.
import { html } from "studio/core.js";
import { get, pictureOf } from "studio/api.js";
import { decide, relabel } from "studio/decide.js";
import { counted } from "studio/format.js";
import { Command, Failed, Name, useAnswer, Waiting } from "studio/ui.js";

export default function Decided({ folder, again }) {
  const asked = useAnswer((more) => get("/api/pictures/decided", { folder }, more), [folder]);
  const kept = asked.value;
  if (asked.error) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!kept) return html`<${Waiting}>Looking it up.</${Waiting}>`;
  const back = (key) => decide(folder, [relabel([key], kept.before[key])], { text: "Taken back.", then: () => { asked.again(); again(); } });
  const moved = Object.entries(kept.relabelled).filter(([key, to]) => kept.before[key] !== to);
  if (!kept.text) return html`<p>Nothing yet. Open a class and choose pictures, or look at what is wrong with them.</p>`;
  return html`<p>Every training on this folder goes by it. The folder itself is as it was; the file is <code>${kept.file}</code>.</p>
    ${moved.length > 0 && html`<h2>Given another class</h2><ul class="decided">${moved.map(([key, to]) => html`<li key=${key}><img loading="lazy" alt=${key} src=${pictureOf(folder, key)} />
      <span><${Name}>${kept.before[key]}</${Name}> → <b><${Name}>${to}</${Name}></b></span><button class="small" onClick=${() => back(key)}>Take back</button></li>`)}</ul>`}
    ${kept.dropped.length > 0 && html`<h2>Left out</h2><ul class="decided">${kept.dropped.map((key) => html`<li key=${key}><img loading="lazy" alt=${key} src=${pictureOf(folder, key)} />
      <span class="quiet"><${Name}>${kept.before[key] || ""}</${Name}></span>${kept.before[key] && html`<button class="small" onClick=${() => back(key)}>Take back</button>`}</li>`)}</ul>`}
    ${kept.together.length > 0 && html`<h2>Kept together</h2><ul class="plain-list">${kept.together.map((keys) => html`<li key=${keys.join("\n")}>${counted(keys.length, "picture")}: <${Name}>${keys.slice(0, 4).join(", ")}</${Name}>${keys.length > 4 ? ", …" : ""}</li>`)}</ul>`}
    <details><summary>labels.toml</summary><pre>${kept.text}</pre></details><${Command} text=${kept.command} title="The same as a command, with that file" />`;
}
