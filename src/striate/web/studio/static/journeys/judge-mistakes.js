// Mistakes: the confusion matrix, whose cells open; pictures with what was said of them, to be relabelled or left out.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { address, pictureOf, post } from "studio/api.js";
import { decide, drop, relabel, said } from "studio/decide.js";
import { counted, percent } from "studio/format.js";
import { Failed, Name, Waiting, Wide } from "studio/ui.js";
import { Viewer } from "studio/viewer.js";

const STRONG = 0.3;

// Arrow keys move from cell to cell, Enter opens; one cell is in the order of Tab.
export function Confusion({ found, to }) {
  const own = useRef(), [at, setAt] = useState([0, 0]);
  const names = found.confused, all = found.names.length;
  const press = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = at.map((one, axis) => Math.max(0, Math.min(names.length - 1, one + step[axis])));
    setAt(next);
    own.current.querySelector(`[data-cell="${next}"]`)?.focus();
  };
  const cell = (row, column) => {
    const number = found.confusion[row][column], share = number / Math.max(1, found.totals[row]);
    const label = `${number} of ${found.totals[row]} of ${names[row]} called ${names[column]}`;
    return html`<td key=${column} class=${`${share > STRONG ? "strong" : ""} ${number ? "" : "zero"} ${row === column ? "diagonal" : ""}`} style=${{ "--share": (share ** 0.5).toFixed(3) }}>
      <button data-cell=${`${row},${column}`} tabindex=${row === at[0] && column === at[1] ? 0 : -1} aria-label=${label} title=${label} onFocus=${() => setAt([row, column])} onClick=${() => number && to({ view: "mistakes", is: names[row], called: names[column] })}>${number || "·"}</button></td>`;
  };
  return html`<h2>What does it confuse?</h2><p class="quiet">A row is what pictures are, a column what they were called; a cell opens its pictures. ${names.length < all && `The ${names.length} most confused of ${all} classes.`}</p>
    <${Wide} label="Confusion"><table ref=${own} class="confusion judge-confusion" aria-label="Confusion: is, called" onKeyDown=${press}><thead><tr><th scope="col">is, called</th>${names.map((name) => html`<th key=${name} scope="col"><span title=${name}>${name}</span></th>`)}</tr></thead>
    <tbody>${names.map((name, row) => html`<tr key=${name}><th scope="row"><${Name}>${name}</${Name}></th>${names.map((_, column) => cell(row, column))}</tr>`)}</tbody></table></${Wide}>`;
}

// Pictures of an evaluation, a piece after the other, with what was said of each and what may be decided about it.
export function Some({ asked, which, decided, folder, names, first = 48, scenes, none = "No picture.", to }) {
  const [state, setState] = useState({}), [most, setMost] = useState(first);
  const [chosen, setChosen] = useState(new Set()), [open, setOpen] = useState(null);
  const pictures = state.pictures || [], mark = JSON.stringify([asked, which]);
  const more = (begin) => post("/api/judge/pictures", { ...asked, ...which, begin }).then(
    (found) => setState((before) => ({ of: found.of, pictures: begin ? [...before.pictures, ...found.pictures] : found.pictures })), (error) => setState({ error }));
  useEffect(() => { setState({}); setMost(first); setChosen(new Set()); more(0); }, [mark]);
  if (state.error) return html`<${Failed} error=${state.error} again=${() => { setState({}); more(0); }} />`;
  if (!state.pictures) return html`<${Waiting}>Looking them up.</${Waiting}>`;
  if (!state.of) return html`<p>${none}</p>`;
  const shown = pictures.slice(0, most), label = Object.fromEntries(pictures.map((one) => [one.key, one.label]));
  const act = (keys, decisions, what) => decide(folder, decisions, { text: said(keys, what), back: keys.map((key) => relabel([key], label[key])), then: () => { setChosen(new Set()); decided.again(); } });
  const actions = (keys) => html`<${Actions} keys=${keys} names=${names} usual=${to && keys.every((key) => label[key] !== to) ? to : undefined} act=${act} />`;
  const toggle = (key) => { const next = new Set(chosen); if (!next.delete(key)) next.add(key); setChosen(next); };
  return html`<ul class=${scenes === "large" ? "judged scenes" : "judged"}>${shown.map((one, at) => html`<${One} key=${one.row} one=${one} scenes=${scenes} asked=${asked} folder=${folder} decided=${decided} chosen=${chosen.has(one.key)} toggle=${() => toggle(one.key)} open=${() => setOpen(at)} />`)}</ul>
    ${shown.length < state.of && html`<p><button onClick=${() => { const next = most + 48; setMost(next); if (next > pictures.length && pictures.length < state.of) more(pictures.length); }}>Show more of ${counted(state.of, "picture")}</button></p>`}
    ${chosen.size > 0 && html`<div class="chosen-bar" role="region" aria-label="What is chosen"><b>${counted(chosen.size, "picture")} chosen</b>${actions([...chosen])}<button class="small" onClick=${() => setChosen(new Set())}>Choose none</button></div>`}
    ${open !== null && decided.can && html`<${Viewer} folder=${folder} keys=${shown.map((one) => one.key)} at=${open} move=${setOpen} close=${() => setOpen(null)}>${decided.can && actions([shown[open].key])}</${Viewer}>`}`;
}

function Actions({ keys, names, usual, act }) {
  return html`${usual && html`<button onClick=${() => act(keys, [relabel(keys, usual)], `now ${usual}`)}>It is <${Name}>${usual}</${Name}></button>`}
    <label class="line"><select aria-label="The class they are given" value="" onChange=${(event) => event.target.value && act(keys, [relabel(keys, event.target.value)], `now ${event.target.value}`)}>
      <option value="">${usual ? "another class …" : "it is …"}</option>${names.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>
    <button onClick=${() => act(keys, [drop(keys)], "left out")}>Leave out</button>`;
}

function One({ one, scenes, asked, folder, decided, chosen, toggle, open }) {
  const now = decided.dropped.includes(one.key) ? "left out" : decided.relabelled[one.key] && decided.relabelled[one.key] !== one.label ? `now ${decided.relabelled[one.key]}` : null;
  const name = one.key.split("/").pop();
  const scene = address("/judge/scene", { run: asked.run, part: asked.part ?? undefined, row: one.row });
  if (scenes) {
    return html`<li><a href=${scene} target="_blank" rel="noopener"><img loading="lazy" alt=${`${one.key}: ${one.said}`} src=${scene} /></a><p><b>${one.said}</b><small class="quiet"><${Name}>${one.key}</${Name}></small></p></li>`;
  }
  return html`<li class=${now ? "settled" : ""}><button class="thumb-button" aria-label=${`Look at ${one.key}`} onClick=${open}><img loading="lazy" alt=${one.key} src=${decided.can ? pictureOf(folder, one.key) : scene} /></button>
    <p>${one.label === undefined ? html`<b>${one.said}</b>` : html`<b><${Name}>${one.answer}</${Name}> ${percent(one.sure, 0)}</b>${one.label !== one.answer && html`<span>is <${Name}>${one.label}</${Name}> ${percent(one.own, 0)}</span>`}`}
      ${now && html`<span class="now">${now}</span>`}</p>
    ${decided.can && html`<label class="pick"><input type="checkbox" checked=${chosen} onChange=${toggle} aria-label=${`Choose ${one.key}`} /><small title=${one.key}><${Name}>${name}</${Name}></small></label>`}</li>`;
}
