// The networks that have a name, and the layers that a text is put together from.
import { html, useState } from "studio/core.js";
import { get } from "studio/api.js";
import { Failed, useAnswer, Waiting } from "studio/ui.js";
import { short } from "./network-parts.js";

export function Catalogue({ take }) {
  const asked = useAnswer((more) => get("/api/network/catalogue", {}, more), []);
  const [word, setWord] = useState("");
  const [own, setOwn] = useState(false);
  if (asked.error) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!asked.value) return html`<${Waiting}>Counting what each costs.</${Waiting}>`;
  const wanted = word.toLowerCase().split(/\s+/).filter(Boolean);
  const found = asked.value.nets.filter((one) => wanted.every((each) => `${one.name} ${one.summary} ${one.paper} ${one.year} ${one.accuracy}`.toLowerCase().includes(each)));
  return html`<div class="line"><label class="hidden" for="net-word">Words to look for</label><input id="net-word" placeholder="such as resnet, mobile, 1998" value=${word} onInput=${(event) => setWord(event.target.value)} />
      <label class="check"><input type="checkbox" checked=${own} onChange=${(event) => setOwn(event.target.checked)} /> on its paper's input</label></div>
    <p class="quiet" role="status">${found.length} of ${asked.value.nets.length} networks. What they cost is for the input and the outputs of their papers.</p>
    <ul class="catalogue">${found.map((one) => html`<li key=${one.name}><button onClick=${() => take(one, own)}><b>${one.name}</b><span>${one.summary}</span>
      <small>${one.input.join("x")} · ${short(one.parameters)} parameters · ${short(one.macs)} MACs${one.field ? ` · sees ${one.field.jump.some(Boolean) ? one.field.size.join("×") : "all"}` : ""}</small>
      <small>${one.paper}, ${one.year}${one.accuracy ? ` · ${one.accuracy}` : ""}</small></button></li>`)}</ul>`;
}

export function Layers({ take }) {
  const asked = useAnswer((more) => get("/api/network/catalogue", {}, more), []);
  if (!asked.value) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
  return html`<p class="quiet">Layers follow each other by <code>>></code>; <code>(a >> b) + identity</code> adds two ways, <code>|</code> puts their channels behind each other, <code>3 * (…)</code> repeats.
      A size is <code>3x3</code> or <code>3</code>; brackets mean it may be left out.</p>
    <ul class="layers-list">${asked.value.layers.map((one) => html`<li key=${one.keyword}><button class="small" onClick=${() => take(one.keyword)}>${one.keyword}</button><div><code>${one.usage}</code><small>${one.does}</small></div></li>`)}</ul>`;
}
