// Train: what it would be and how long it takes; start; the queue; and one training as it learns.
import { html, useEffect, useState } from "studio/core.js";
import { post } from "studio/api.js";
import { on, trainings } from "studio/live.js";
import { about, ago, clock, counted, lastPart, percent, thousands } from "studio/format.js";
import { go, link } from "studio/router.js";
import { Command, Failed, Field, Name, Progress, Question, useAnswer, Waiting } from "studio/ui.js";
import { Training } from "./training.js";

export default function Train({ words, place }) {
  if (words.id) return html`<${Training} key=${words.id} id=${words.id} />`;
  const folder = words.folder ?? place.folder;
  return html`${folder ? html`<${Begin} key=${`${folder} ${words.net || ""}`} folder=${folder} words=${words} />` : html`<${Question} title="How does it learn?">First it needs
      pictures. <a href=${link("pictures", { view: "choose" })}>Choose a folder</a>, and come back.</${Question}>`}<${Queue} />`;
}

// What a person may say, and how; whatever is left open is chosen by the pictures.
const WISHES = [
  { name: "epochs", label: "Epochs", hint: "how often every picture is seen", kind: "number" },
  { name: "size", label: "Size", hint: "pixels it is shown, such as 96 or 96x128", kind: "text" },
  { name: "net", label: "Network", hint: "a name such as resnet20, or the text of one", kind: "text" },
  { name: "fit", label: "Pixels it never sees", hint: "exact refuses them, floor takes them", choices: ["exact", "floor"] },
  { name: "start", label: "Start from", hint: "none for chance, a run, or weights by name", kind: "text" },
  { name: "tune", label: "What is trained", hint: "of weights to start from", choices: ["head", "all"] },
  { name: "augment", label: "Augmentation", hint: "how pictures are varied", choices: ["none", "light", "zoom", "standard", "strong"] },
  { name: "folds", label: "Folds", hint: "cross-validation: a number, or none", kind: "text" },
  { name: "seed", label: "Seed", hint: "of everything random", kind: "number" },
  { name: "name", label: "Name", hint: "of the run, before its number", kind: "text" },
];

function wishesOf(folder, said) {
  const wishes = { source: folder };
  for (const { name, kind } of WISHES) {
    const value = (said[name] || "").trim();
    if (value) wishes[name] = kind === "number" ? Number(value) : value;
  }
  return wishes;
}

// What another screen hands on: a network, say.
const handedOn = (words) => Object.fromEntries(WISHES.filter(({ name }) => words[name]).map(({ name }) => [name, words[name]]));

function Begin({ folder, words }) {
  const [said, setSaid] = useState(() => handedOn(words));
  const [settled, setSettled] = useState(said);
  const [error, setError] = useState(null);
  const [starting, setStarting] = useState(false);
  const [share, setShare] = useState(null);
  useEffect(() => {
    const wait = setTimeout(() => setSettled(said), 600);
    return () => clearTimeout(wait);
  }, [said]);
  useEffect(() => on("progress", (facts) => facts.about === "train.forecast" && setShare(facts)), []);
  const wishes = wishesOf(folder, settled), marks = [JSON.stringify(wishes)];
  const command = useAnswer((more) => post("/api/train/command", wishes, more), marks);
  const asked = useAnswer((more) => post("/api/train/forecast", wishes, more), marks);
  const start = async () => {
    setStarting(true);
    try {
      const made = await post("/api/train/start", wishesOf(folder, said));
      go("train", { id: made.id });
    } catch (found) {
      setError(found);
      setStarting(false);
    }
  };
  return html`<${Question} title=${`Train on ${lastPart(folder)}?`}>Whatever you leave open is chosen by the pictures, and what comes out is measured on
      pictures that were kept aside.</${Question}>
    <section class="plan" aria-live="polite">
      ${asked.waiting && html`<${Waiting} share=${share?.of ? share.done / share.of : null}>${share ? `Forecast: ${share.what}` : "Forecast: reading the pictures and timing a few steps."}</${Waiting}>`}
      <${Failed} error=${asked.error} again=${asked.again} />
      ${asked.value && !asked.waiting && html`<${Plan} found=${asked.value} />`}</section>
    <${Failed} error=${error} />
    <div class="actions"><button class="primary large" disabled=${starting || Boolean(asked.error)} onClick=${start}>${trainings.value.some((one) => !["finished", "stopped", "failed"].includes(one.state)) ? "Put into the queue" : "Start training"}</button>
      <a class="button" href=${link("pictures", { folder })}>Look at the pictures</a></div>
    <details class="wishes" open=${Object.keys(handedOn(words)).length > 0}><summary>Say more of how it learns</summary><div class="fields">${WISHES.map((one) => html`<${Field} key=${one.name} label=${one.label} hint=${one.hint}>
      ${one.choices ? html`<select value=${said[one.name] || ""} onChange=${(event) => setSaid({ ...said, [one.name]: event.target.value })}>
          <option value="">by itself</option>${one.choices.map((each) => html`<option key=${each}>${each}</option>`)}</select>`
        : html`<input value=${said[one.name] || ""} placeholder="by itself" inputmode=${one.kind === "number" ? "numeric" : undefined} spellcheck=${false}
          onInput=${(event) => setSaid({ ...said, [one.name]: event.target.value })} />`}</${Field}>`)}</div></details>
    <${Command} text=${command.value?.command} />`;
}

function Plan({ found }) {
  const { parts } = found, [channels, height, width] = found.size;
  const net = found.start && found.start !== "none" ? `starts from ${found.start}` : `the net ${found.net.length < 40 ? found.net : "you wrote"}, from chance`;
  return html`<p class="forecast">${found.seconds ? about(found.seconds).replace(/^a/, "A") : found.words}</p>
    <dl class="facts-list">
      <dt>Pictures</dt><dd>${found.folds ? html`${thousands(parts.train)} to learn from; every one measured by ${found.folds}`
        : html`${thousands(parts.train)} to learn from, ${thousands(parts.val)} to choose by, ${thousands(parts.test)} kept aside to measure it`}</dd>
      <dt>Network</dt><dd>${net}: ${thousands(found.parameters)} parameters${found.frozen > 0 && html`, of which ${thousands(found.parameters - found.frozen)} are trained`}</dd>
      <dt>It sees</dt><dd>${width} × ${height} pixels in ${channels === 1 ? "gray" : "colour"}</dd>
      <dt>Learning</dt><dd>${found.tune === "head" ? "the new head, on what the frozen net makes of each picture" : `${counted(found.epochs, "epoch")} in batches of ${found.batch}`}</dd></dl>
    ${found.notes.length > 0 && html`<h2 class="hidden">To know</h2><ul class="to-know">${found.notes.map((note) => html`<li key=${note}>${note}</li>`)}</ul>`}
    ${found.seconds && html`<p class="quiet small-print">${found.words}</p>`}`;
}

const STATES = { waiting: "waits", starting: "starting", preparing: "reading pictures", learning: "learning", measuring: "measuring", finishing: "writing its report", finished: "done", stopped: "stopped", failed: "failed" };

function Queue() {
  if (!trainings.value.length) return null;
  return html`<section class="queue"><h2>Trainings</h2><ul>${trainings.value.map((one) => html`<li key=${one.id}><a href=${link("train", { id: one.id })}>
    <b><${Name}>${one.run || one.title}</${Name}></b><span class=${`state ${one.state}`}>${STATES[one.state]}</span>
    <span class="quiet">${one.figure || (one.state === "learning" && one.epochs ? `epoch ${one.epoch || 0} of ${one.epochs}${one.seconds_left > 1 ? `, ${clock(one.seconds_left)} left` : ""}` : one.error || ago(one.asked))}</span>
    ${one.share !== null && !["finished", "failed", "stopped"].includes(one.state) && html`<${Progress} share=${one.share} label=${`${one.title}: ${percent(one.share, 0)}`} />`}</a></li>`)}</ul></section>`;
}
