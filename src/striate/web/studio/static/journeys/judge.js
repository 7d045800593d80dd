// Judge: what a run is worth; its mistakes, what they are of, and what follows: another label, another training.
import { html, useEffect, useState } from "studio/core.js";
import { address, get, post } from "studio/api.js";
import { Told } from "studio/decide.js";
import { counted, lastPart } from "studio/format.js";
import { on } from "studio/live.js";
import { go, link } from "studio/router.js";
import { RunChoice, useRun } from "studio/runs.js";
import { AsCommand, Command, Failed, Name, Notice, Question, Waiting, Wide, useAnswer } from "studio/ui.js";
import { Believed } from "./judge-believed.js";
import { Confusion, Some } from "./judge-mistakes.js";
import { Sections } from "./judge-sections.js";
import { Slices } from "./judge-slices.js";
import { Thresholds } from "./judge-thresholds.js";

const PARTS = { test: "test pictures", val: "validation pictures", train: "training pictures", "cross-validated": "all, cross-validated" };

export default function Judge({ words }) {
  const { run, runs, shown } = useRun("judge", words, "What is it worth?");
  if (shown) return shown;
  return html`<${Judged} key=${`${run} ${words.part || ""}`} run=${run} runs=${runs} words=${words} /><${Told} />`;
}

function Judged({ run, runs, words }) {
  const part = words.part || null, [share, setShare] = useState(null);
  const asked = useAnswer((more) => post("/api/judge", { run, part }, more), [run, part]);
  useEffect(() => on("progress", (facts) => facts.about === "judge.overview" && setShare(facts)), []);
  const found = asked.value, title = `What is ${run} worth?`;
  const to = (more) => go("judge", { folder: words.folder, run, part: part ?? undefined, ...more });
  const choice = html`<div class="line choices"><${RunChoice} runs=${runs} run=${run} choose=${(name) => to({ run: name, part: undefined })} />
    ${found && Object.keys(found.parts).length > 1 && html`<label class="run-choice"><span>Asked about</span><select value=${found.part} onChange=${(event) => to({ part: event.target.value })}>
      ${Object.entries(found.parts).map(([name, number]) => html`<option key=${name} value=${name}>${PARTS[name]} (${number.toLocaleString("en")})</option>`)}</select></label>`}</div>`;
  if (asked.error) return html`<${Question} title=${title} />${choice}<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!found) return html`<${Question} title=${title} />${choice}<${Waiting} share=${share?.of ? share.done / share.of : null}>${share ? `Asking it: ${share.what}` : "Asking it about every picture that it did not learn from."}</${Waiting}>`;
  return html`<${Found} found=${found} words=${words} to=${to} asked=${{ run, part }} title=${title} choice=${choice} />`;
}

function Found({ found, words, to, asked, title, choice }) {
  const { run } = asked, decide = useDecided(found.source);
  const views = [["", "In short", InShort], found.confusion ? ["mistakes", "Mistakes", Mistakes] : ["mistakes", "Picture by picture", Scenes],
    found.cuts && ["thresholds", "Thresholds", Thresholds], found.reliability && ["believed", "Confidence and strangers", Believed],
    found.sections.length > 0 && ["figures", "All figures", Sections], ["slices", "By kind of picture", Slices]].filter(Boolean);
  const [name, , View] = views.find(([one]) => one === (words.view || "")) || views[0];
  return html`<${Question} title=${title}>${found.headline.name} <b>${found.headline.value}</b>${found.headline.between && html` <span class="nowrap">(${found.headline.between})</span>`} on ${counted(found.pictures, "picture")}.</${Question}>
    ${choice}<nav class="tabs" aria-label="What of it">${views.map(([one, text]) => html`<a key=${one} href=${link("judge", { folder: words.folder, run, part: words.part, view: one || undefined })} aria-current=${one === name ? "page" : undefined}>${text}</a>`)}</nav>
    <${View} found=${found} words=${words} to=${to} decided=${decide} asked=${asked} />
    <${TrainAgain} found=${found} decided=${decide} /><${Command} text=${found.command} />`;
}

// What was decided about the pictures of a folder: { can, kept, names, again }.
function useDecided(source) {
  const asked = useAnswer((more) => get("/api/judge/decided", { folder: source }, more), [source]);
  return { ...(asked.value || { can: false, relabelled: {}, dropped: [], names: [] }), again: asked.again };
}

function InShort({ found }) {
  return html`<p class="verdict-line">${found.verdict.text}</p>
    ${found.verdict.reasons.length > 0 && html`<ul class="reasons">${found.verdict.reasons.map((one) => html`<li key=${one}>${one}</li>`)}</ul>`}
    <ul class="figures">${found.figures.map((one) => html`<li key=${one.text}><b>${one.value}</b>${one.between && html`<i>${one.between}</i>`}<span>${one.text}</span></li>`)}</ul>
    ${found.caveats.map((one) => html`<${Notice} key=${one}>${one}</${Notice}>`)}${found.notes.map((one) => html`<${Notice} key=${one}>${one}</${Notice}>`)}
    ${found.folds && html`<${Folds} found=${found} />`}
    <p><a class="button" target="_blank" rel="noopener" href=${address("/report", { name: found.run })}>Open the report</a></p>`;
}

function Folds({ found }) {
  const share = found.confusion, most = Math.max(...found.folds.map((one) => one.value), share ? 1 : 0);
  return html`<h2>Cross-validated in ${counted(found.folds.length, "fold")}</h2><p class="quiet">${found.means}</p>
    <${Wide} label="Folds"><table class="bars"><thead><tr><th scope="col">fold</th><th scope="col" colspan="2">${share ? "right" : "mean loss"}</th><th scope="col">pictures</th></tr></thead>
    <tbody>${found.folds.map((one) => html`<tr key=${one.fold}><th scope="row">${one.fold}</th><td class="track"><span class="bar" style=${{ left: 0, width: `${(100 * one.value) / (most || 1)}%` }}></span></td>
      <td>${share ? `${(100 * one.value).toFixed(1)} %` : one.value.toPrecision(3)}</td><td>${one.pictures}</td></tr>`)}</tbody></table></${Wide}>`;
}

function Mistakes({ found, words, to, decided, asked }) {
  if (words.is !== undefined && words.called !== undefined) {
    return html`<p><a href=${link("judge", { folder: words.folder, run: asked.run, part: words.part, view: "mistakes" })}>All confusions</a></p>
      <h2>${words.is === words.called ? html`<${Name}>${words.is}</${Name}>, called so` : html`<${Name}>${words.is}</${Name}>, called <${Name}>${words.called}</${Name}>`}</h2>
      <${Some} key=${`${words.is}\n${words.called}`} asked=${asked} which=${{ which: "cell", label: words.is, answer: words.called }} decided=${decided} folder=${found.source} names=${found.names} to=${words.called} />`;
  }
  return html`<${Confusion} found=${found} to=${to} />
    ${found.doubtful > 0 && html`<h2>Labels worth a look</h2><p class="quiet">Its answer stands against the label with confidence; where the answer is right, the label is wrong. ${counted(found.doubtful, "picture")}, the least likely label first.</p>
      <${Some} asked=${asked} which=${{ which: "doubtful" }} decided=${decided} folder=${found.source} names=${found.names} first=${12} />`}
    <h2>The mistakes it was surest of</h2><${Some} asked=${asked} which=${{ which: "worst" }} decided=${decided} folder=${found.source} names=${found.names} first=${12} none="Nothing: every answer is right." />`;
}

function Scenes({ found, decided, asked }) {
  return html`<p class="quiet">The worst first${found.placed && ": what is there, and what was said"}.</p>
    <${Some} asked=${asked} which=${{ which: "worst" }} decided=${decided} folder=${found.source} names=${found.names} scenes=${found.placed ? "large" : "plain"} first=${12} none="Nothing: every answer is right." />`;
}

// The loop, closed: what was decided, and the same training once more on what is so now.
function TrainAgain({ found, decided }) {
  const [error, setError] = useState(null), [busy, setBusy] = useState(false);
  const many = Object.keys(decided.relabelled).length + decided.dropped.length;
  if (!decided.can || !many) return null;
  const start = () => {
    setBusy(true);
    post("/api/judge/again", { run: found.run }).then((made) => go("train", { id: made.id }), (refused) => { setBusy(false); setError(refused); });
  };
  return html`<section class="card again" aria-label="Train again"><h2>Train again</h2><p>${counted(many, "picture")} of <${Name}>${lastPart(found.source)}</${Name}> ${many === 1 ? "has" : "have"} another label now or ${many === 1 ? "is" : "are"} left out.
    The same recipe, on the pictures as they are decided now; then <a href=${link("compare", { a: found.run })}>compare both</a>.</p><${Failed} error=${error} />
    <div class="actions"><button class="primary" disabled=${busy} onClick=${start}>Train again</button><a class="button" href=${link("pictures", { folder: found.source, view: "decided" })}>What is decided</a></div><${AsCommand} text=${found.again} /></section>`;
}
