// For other programs: what it is exported to, and the table that says how far its answers are from Striate's own.
import { html, useState } from "studio/core.js";
import { Command, Failed, Field, Name, Notice } from "studio/ui.js";
import { Working } from "studio/working.js";
import { Files, useMaking } from "./ship.js";

const SHOWN = [".onnx", ".pt2", ".pte", ".xml", ".bin", ".mlpackage", ".safetensors"];
const small = (value) => (value === 0 ? "0" : value.toExponential(0));

export function Programs({ found, again }) {
  const { far, state, make } = useMaking("/api/ship/export", "ship.export", again);
  const [to, setTo] = useState(found.targets[0].name), [any, setAny] = useState(true), [whole, setWhole] = useState(false);
  const target = found.targets.find((one) => one.name === to), facts = { run: found.run, to, any_size: any && target.any_size, int8: whole && target.int8 };
  const command = found.commands.export[to] + (facts.any_size ? " --any-size" : "") + (facts.int8 ? " --int8" : "");
  const made = found.files.filter((one) => one.note);
  return html`<p>One file that answers by itself: pixels go in, and what <code>striate predict</code> says comes out. It is written only when it has answered the same on 200 pictures of every kind and on some of the run's own.</p>
    <div class="fields"><${Field} label="For" hint=${target.needs ? "" : target.words}><select value=${to} onChange=${(event) => setTo(event.target.value)}>${found.targets.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}</select></${Field}></div>
    ${target.needs && html`<${Notice}>${target.words}: it needs a package that is not here. <code>${target.needs}</code></${Notice}>`}
    ${!target.asked && html`<${Notice}>It cannot be asked on this system, so that nothing is known of its answers.</${Notice}>`}
    <div class="ship-checks">${target.any_size && html`<label class="line"><input type="checkbox" checked=${any} onChange=${(event) => setAny(event.target.checked)} /> It takes pictures of any size: crop and resize are inside, one picture at a time</label>`}
      ${target.int8 && html`<label class="line"><input type="checkbox" checked=${whole} onChange=${(event) => setWhole(event.target.checked)} /> In int8: whole numbers, smaller; what that loses is measured, and refused above 1 picture in 100</label>`}</div>
    <div class="actions"><button class="primary" disabled=${state.working || Boolean(target.needs)} onClick=${() => make(facts)}>Export it</button></div>
    ${state.working && html`<${Working} far=${far}>Writing it, and comparing its answers.</${Working}>`}<${Failed} error=${state.error} />
    ${state.made && html`<p role="status">Written to <code>${state.made.path}</code>.</p>`}
    <${Files} found=${found} names=${SHOWN} />
    ${made.map((one) => html`<${Artefact} key=${one.name} one=${one} open=${one === made[0]} />`)}
    <${Command} text=${command} />`;
}

function Artefact({ one, open }) {
  const { parity, outputs, input, int8 } = one.note;
  return html`<details class="card ship-artefact" open=${open}><summary><b>What is known of <${Name}>${one.name}</${Name}></b></summary>
    ${typeof parity === "object" && parity ? html`<${Parity} parity=${parity} />` : html`<p>${String(parity || "nothing was measured")}.</p>`}
    ${int8 && html`<p>${int8}</p>`}
    <h3>What goes in</h3><p>${input}</p><h3>What comes out</h3><dl class="facts-list">${Object.entries(outputs).map(([name, means]) => html`<dt key=${name}><code>${name}</code></dt><dd>${means}</dd>`)}</dl></details>`;
}

function Parity({ parity }) {
  const names = Object.keys(parity.apart), cells = (row) => names.map((name) => html`<td key=${name}>${small(row[name] ?? 0)}</td>`);
  return html`<p>${parity.same === parity.pictures ? html`The same answer on all <b>${parity.pictures}</b> pictures.` : html`The same answer on <b>${parity.same}</b> of ${parity.pictures} pictures.`} How far its numbers are from those of <code>striate predict</code>, at most:</p>
    <div class="wide" tabindex="0" role="region" aria-label="The comparison"><table><thead><tr><th scope="col">pictures</th><th scope="col">how many</th><th scope="col">same answer</th>${names.map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
      <tbody>${parity.kinds.map((row) => html`<tr key=${row.kind}><th scope="row">${row.kind}</th><td>${row.pictures}</td><td>${row.same}</td>${cells(row.apart)}</tr>`)}
        <tr><th scope="row"><b>all</b></th><td>${parity.pictures}</td><td>${parity.same}</td>${cells(parity.apart)}</tr>
        <tr><th scope="row">allowed</th><td></td><td>all</td>${cells(parity.allowed)}</tr></tbody></table></div>
    ${parity.worst && html`<p class="quiet">Farthest off: ${parity.worst}</p>`}`;
}
