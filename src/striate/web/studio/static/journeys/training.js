// One training as it learns: where it is, its curves, stop and go on, and what came of it.
import { html, useEffect, useState } from "studio/core.js";
import { address, get, post } from "studio/api.js";
import { on } from "studio/live.js";
import { Curves } from "studio/chart.js";
import { clock, counted, figure, percent, thousands } from "studio/format.js";
import { go, link } from "studio/router.js";
import { Learnt, WrongNow } from "./training-learnt.js";
import { Command, Failed, Name, Notice, Progress, Question, Waiting } from "studio/ui.js";

const OVER = ["finished", "stopped", "failed"];

// All of one training, kept up by what the server says: { found, error }.
function useTraining(id) {
  const [state, setState] = useState({});
  useEffect(() => {
    let gone = false;
    const ask = () => get("/api/train/one", { id }).then(
      (found) => { if (!gone) setState({ found }); },
      (error) => { if (!gone) setState({ error }); },
    );
    ask();
    const ends = [on("again", ask), on("training", (facts) => {
      if (facts.id !== id) return;
      if (["finished", "stopped", "failed", "planned"].includes(facts.said.event)) ask();
      else setState(({ found, error }) => ({ error, found: found && taken(found, facts) }));
    }), on("trainings", (facts) => {
      const now = facts.trainings.find((one) => one.id === id);
      if (!now) return;
      setState(({ found, error }) => {
        if (found && OVER.includes(now.state) && !OVER.includes(found.state)) ask();
        return { error, found: found && { ...found, ...now } };
      });
    })];
    return () => {
      gone = true;
      ends.forEach((end) => end());
    };
  }, [id]);
  return state;
}

function taken(found, { now, said }) {
  const next = { ...found, ...now };
  if (said.event === "epoch") next.history = [...found.history.filter((one) => one.index < said.index), said];
  if (said.event === "step") next.steps = [...found.steps.slice(-599), [said.epoch - 1 + said.step / Math.max(1, said.steps), said.loss]];
  if (said.event === "said") next.said = [...found.said, said.text];
  return next;
}

export function Training({ id }) {
  const { found, error } = useTraining(id);
  const [refused, setRefused] = useState(null);
  const [since, setSince] = useState(null);
  const ask = (path, facts) => () => post(path, facts).then((made) => made?.id && go("train", { id: made.id }), setRefused);
  useEffect(() => {
    if (!found?.stopping) return setSince(null);
    const wait = setTimeout(() => setSince(true), 15000);
    return () => clearTimeout(wait);
  }, [found?.stopping]);
  if (error) return html`<${Question} title="Which training?" /><${Failed} error=${error} /><p><a href=${link("train")}>All trainings</a></p>`;
  if (!found) return html`<${Waiting}>Looking for it.</${Waiting}>`;
  const over = OVER.includes(found.state);
  return html`<${Question} title=${asks(found)}><${Where} found=${found} /></${Question}>
    ${!over && found.state !== "waiting" && html`<${Progress} share=${found.share} label=${`How far ${found.run || found.title} is`} />`}
    <${Failed} error=${refused} />
    ${found.error && html`<${Notice} kind=${found.state === "failed" ? "error" : "note"}>${found.error}</${Notice}>`}
    <div class="actions">
      ${!over && html`<button disabled=${found.stopping} onClick=${ask("/api/train/stop", { id })}>${found.state === "waiting" ? "Take it out of the queue" : found.stopping ? "Stopping after this step" : "Stop, and keep what it learnt"}</button>`}
      ${!over && since && html`<button onClick=${ask("/api/train/stop", { id, at_once: true })}>Stop at once</button>`}
      ${found.state === "finished" && html`<a class="button primary" target="_blank" rel="noopener" href=${address("/report", { name: found.run })}>Open the report</a>`}
      ${found.state === "stopped" && found.run && html`<button class="primary" onClick=${ask("/api/train/go-on", { run: found.run })}>Go on with it</button>`}
      <a class="button" href=${link("train", { folder: found.words[0]?.startsWith("--") ? undefined : found.words[0] })}>All trainings</a></div>
    ${found.verdict && html`<p class="verdict-line">${found.verdict}</p>`}
    <${Result} found=${found} />
    <${Figures} found=${found} />
    <${Course} found=${found} />
    ${found.run && found.history.length > 0 && html`<${Learnt} run=${found.run} mark=${found.history.length} over=${over} />
      ${(!found.planned.start || found.planned.start === "none" || over) && html`<${WrongNow} key=${found.state} run=${found.run} over=${over} />`}`}
    ${found.said.length > 0 && html`<details><summary>What it said</summary><ul class="said-list">${found.said.map((line, at) => html`<li key=${at}>${line}</li>`)}</ul></details>`}
    <${Command} text=${found.command} />`;
}

function asks(found) {
  const name = found.run || found.title;
  if (found.state === "finished") return `What came of ${name}?`;
  return OVER.includes(found.state) ? `Go on with ${name}?` : `How is ${name} learning?`;
}

function Where({ found }) {
  const left = found.seconds_left > 1 ? html`, ${clock(found.seconds_left)} left` : "";
  const of = found.epochs ? `epoch ${Math.min((found.epoch || 0) + 1, found.epochs)} of ${found.epochs}` : "";
  switch (found.state) {
    case "waiting": return "It waits for the trainings before it, and begins by itself.";
    case "starting": return "It starts.";
    case "preparing": return html`It reads the pictures${found.phase && html`: ${found.phase}`}.`;
    case "learning": return html`It learns: ${of}${left}. It goes on when this page is closed.`;
    case "measuring": return html`It learns again to be measured${found.phase && html`: ${found.phase}`}.`;
    case "finishing": return "It has learnt. It is measured on pictures it never saw, and its report is written.";
    case "finished": return html`${found.figure ? html`On pictures it never saw: <b>${found.figure}</b>.` : "It is done."}`;
    case "stopped": return "It was stopped. What it learnt until its last step is kept, and it can go on from there.";
    default: return "It could not be trained.";
  }
}

function Result({ found }) {
  if (!found.result.length) return null;
  return html`<details class="result"><summary>All that it said in the end</summary><pre>${found.result.join("\n")}</pre></details>`;
}

function Figures({ found }) {
  const last = found.history.at(-1), plan = found.planned;
  if (!last && !plan.pictures) return null;
  const shown = [];
  for (const [name, value] of Object.entries(last?.metrics || {}).slice(0, 2)) shown.push([`validation ${name}`, share(name) ? percent(value) : figure(value)]);
  if (last) shown.push(["loss, learning", figure(last.train_loss)]);
  if (last?.val_loss != null) shown.push(["loss, validation", figure(last.val_loss)]);
  const speed = OVER.includes(found.state) ? last?.pictures_per_second : found.speed ?? last?.pictures_per_second;
  if (speed) shown.push(["pictures a second", thousands(Math.round(speed))]);
  if (plan.parts) shown.push(["pictures to learn from", thousands(plan.parts.train)]);
  return html`<ul class="figures">${shown.map(([name, value]) => html`<li key=${name}><b>${value}</b><span>${name}</span></li>`)}</ul>`;
}

const share = (name) => ["accuracy", "f1", "ap", "iou", "dice", "map"].some((one) => name.toLowerCase().includes(one));

function Course({ found }) {
  const { history, steps } = found, over = OVER.includes(found.state);
  if (!history.length && !steps.length) return null;
  const epochs = history.map((one) => one.index), names = Object.keys(history.at(-1)?.metrics || {}).slice(0, 2);
  const within = over ? [] : steps.filter(([x]) => x >= (epochs.at(-1) || 0)); // of the epoch under way
  const at = [...new Set([...epochs, ...within.map(([x]) => x)])].sort((one, other) => one - other);
  const by = (pairs) => { const found = new Map(pairs); return at.map((x) => found.get(x) ?? null); };
  const losses = [{ name: "learning", values: by([...history.map((one) => [one.index, one.train_loss])]) }];
  if (history.some((one) => one.val_loss != null)) losses.push({ name: "validation", values: by(history.map((one) => [one.index, one.val_loss])) });
  if (within.length) losses.push({ name: "within the epoch", thin: true, values: by(within) });
  return html`<div class="pair courses"><${Curves} title="Loss" x=${at} curves=${losses} form=${figure} />
    ${names.length > 0 && html`<${Curves} title="On validation pictures" x=${epochs} form=${names.every(share) ? (value) => percent(value) : figure}
      curves=${names.map((name) => ({ name, values: history.map((one) => one.metrics[name] ?? null) }))} />`}</div>
    ${history.length > 0 && html`<details><summary>${counted(history.length, "epoch")} as a table</summary><div class="wide"><table><thead><tr><th scope="col">epoch</th><th scope="col">loss</th><th scope="col">validation loss</th>${names.map((name) => html`<th key=${name} scope="col">${name}</th>`)}<th scope="col">seconds</th></tr></thead>
      <tbody>${history.map((one) => html`<tr key=${one.index}><th scope="row">${one.index}</th><td>${figure(one.train_loss)}</td><td>${figure(one.val_loss)}</td>${names.map((name) => html`<td key=${name}>${figure(one.metrics[name])}</td>`)}<td>${figure(one.seconds)}</td></tr>`)}</tbody></table></div></details>`}`;
}
