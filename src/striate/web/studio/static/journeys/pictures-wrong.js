// What is wrong with the pictures, worst first, and what to do about each.
import { html, useEffect, useState } from "studio/core.js";
import { pictureOf, post } from "studio/api.js";
import { decide, drop, relabel, said } from "studio/decide.js";
import { counted, percent } from "studio/format.js";
import { on } from "studio/live.js";
import { Command, Failed, Notice, useAnswer, Waiting } from "studio/ui.js";

const SHOWN = 12, QUICK = 1000; // above that many pictures labels are doubted when it is asked for: it takes minutes
const upper = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

export default function Wrong({ folder, found, again }) {
  const [far, setFar] = useState(null);
  useEffect(() => on("progress", (facts) => facts.about === "mend.doctor" && setFar(facts)), []);
  const [labels, setLabels] = useState(found.pictures <= QUICK);
  const asked = useAnswer((more) => post("/api/pictures/wrong", { folder, labels }, more), [folder, labels]);
  if (asked.error) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!asked.value || asked.waiting) return html`<${Waiting} share=${far?.of ? far.done / far.of : null}>${far ? `${upper(far.what)}: ${far.done.toLocaleString("en")} of ${far.of.toLocaleString("en")}` : "Every picture is read and measured once; what was measured is kept."}</${Waiting}>`;
  const value = asked.value;
  return html`<p class="verdict-line" role="status">${value.summary}</p>
    ${!labels && html`<${Notice} action=${html`<button class="small" onClick=${() => setLabels(true)}>Look for wrong labels too</button>`}>Labels were not doubted yet: the usual network looks at every picture for that, some ten a second and core.</${Notice}>`}
    ${value.findings.map((one, at) => html`<${Finding} key=${one.kind + at} one=${one} folder=${folder} names=${found.names} again=${again} opened=${at < 2} />`)}
    ${[...value.notes, ...value.judged].map((note) => html`<${Notice} key=${note}>${upper(note)}</${Notice}>`)}
    <${Command} text=${value.command} />`;
}

function Finding({ one, folder, names, again, opened }) {
  const [more, setMore] = useState(SHOWN);
  return html`<details class="finding card" open=${opened}><summary><span class=${`level ${one.level.replace(" ", "-")}`}>${one.level}</span> <b>${upper(one.said)}</b>
      ${one.share > 0 && html`<span class="quiet">${percent(one.share)} of all</span>`}</summary>
    <p>${one.means}</p><p class="quiet">What to do: ${one.remedy}</p>
    ${one.cases.length > 0 && html`<ul class="cases">${one.cases.slice(0, more).map((each) => html`<${Case} key=${each.pictures.join("\n")} each=${each} kind=${one.kind} folder=${folder} names=${names} again=${again} />`)}</ul>`}
    ${one.cases.length > more && html`<button onClick=${() => setMore(more + 24)}>Show more</button>`}
    ${one.pictures > one.cases.reduce((sum, each) => sum + each.pictures.length, 0) && html`<p class="quiet">${counted(one.pictures, "picture")} in all; <code>striate doctor --json</code> names each.</p>`}</details>`;
}

function Case({ each, kind, folder, names, again }) {
  const [done, setDone] = useState(null);
  const act = async (decisions, text, pictures) => {
    const back = decisions[0].kind === "relabel" || decisions[0].kind === "drop" ? pictures.map((key) => relabel([key], each.labels[each.pictures.indexOf(key)])) : null;
    const kept = await decide(folder, decisions, { text, back, then: again });
    if (kept) setDone(text);
  };
  const [first] = each.pictures, alike = each.pictures.length > 1 && /^(equal|near)-/.test(kind), group = each.pictures.length > 1, label = each.labels[0];
  return html`<li class=${`${done ? "judged" : ""} ${each.pictures.length > 2 ? "many" : ""}`}><div class="case-pictures">${each.pictures.map((key, at) => html`<figure key=${key}><img loading="lazy" alt=${key} src=${pictureOf(folder, key)} />
      <figcaption>${each.labels[at]}${alike && !done && html`<button class="small" onClick=${() => { const others = each.pictures.filter((one) => one !== key); act([drop(others)], said(others, "left out"), others); }}>Keep this</button>`}</figcaption></figure>`)}</div>
    ${each.said && html`<p>${each.said}</p>`}
    ${done ? html`<p class="quiet">${done}</p>` : html`<div class="line">
      ${each.instead && html`<button class="small" onClick=${() => act([relabel([first], each.instead)], `Now ${each.instead}`, [first])}>It is ${each.instead}</button>
        <button class="small" onClick=${() => act([{ kind: "ignore", pictures: [first], word: kind }], `It stays ${label}`, [first])}>It is ${label}</button>`}
      ${!group && !each.instead && label && names.length > 1 && html`<label class="line"><span class="hidden">The class of ${first}</span><select class="small" value="" onChange=${(event) => event.target.value && act([relabel([first], event.target.value)], `Now ${event.target.value}`, [first])}>
        <option value="">It is …</option>${names.filter((name) => name !== label).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
      ${group ? html`<button class="small" onClick=${() => act([{ kind: "same_group", pictures: each.pictures, word: "" }], "Kept on one side of every split", each.pictures)}>Keep together</button>`
        : html`<button class="small" onClick=${() => act([drop([first])], "Left out", [first])}>Leave out</button>`}
      ${!each.instead && html`<button class="small" onClick=${() => act([{ kind: "ignore", pictures: each.pictures, word: kind }], "It is fine", each.pictures)}>It is fine</button>`}</div>`}</li>`;
}
