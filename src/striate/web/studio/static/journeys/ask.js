// Ask: a picture, the answer, the evidence with its trust, against another answer, what would change its mind.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { figure, percent } from "studio/format.js";
import { go, link } from "studio/router.js";
import { Answers } from "studio/answers.js";
import { Camera } from "studio/camera.js";
import { give, Give, givenPicture, RunField, useRuns } from "studio/given.js";
import { Command, Failed, Name, Question, useAnswer, Waiting } from "studio/ui.js";
import { Drawing, fileOf, Film, openLive, pixelsOf, River } from "./ask-live.js";

const TITLE = "What does it say, and why?";

export default function Ask({ words }) {
  const { runs, error, value, again } = useRuns();
  if (error) return html`<${Question} title=${TITLE} /><${Failed} error=${error} again=${again} />`;
  if (!value) return html`<${Question} title=${TITLE} /><${Waiting}>Looking for networks.</${Waiting}>`;
  const run = runs.some((one) => one.name === words.run) ? words.run : runs[0]?.name;
  if (!run) return html`<${Question} title=${TITLE}>No network has learnt anything here yet. <a href=${link("train")}>Train one</a>, and come back.</${Question}>`;
  return html`<${Asked} key=${run} run=${run} runs=${runs} words=${words} />`;
}

const QUIET = 500; // milliseconds after the last stroke

function Asked({ run, runs, words }) {
  const model = useAnswer((more) => get("/api/ask/model", { run }, more), [run]);
  const [live, setLive] = useState(null);
  const [now, setNow] = useState(null); // what the network in this page says of what is before it
  const [by, setBy] = useState("file");
  const [error, setError] = useState(null);
  const rest = useRef(null);
  useEffect(() => {
    if (!model.value?.live) return undefined;
    let mine = null, gone = false;
    openLive(model.value.live).then((found) => {
      mine = found;
      if (gone) return found.close();
      setLive(found);
      if (found.draws && !words.picture) setBy("pen");
      return null;
    }, setError);
    return () => { gone = true; mine?.close(); };
  }, [model.value]);
  useEffect(() => { // a picture that the address names is looked at by this page too
    if (!live || !words.picture || now?.mark === words.picture) return;
    fetch(givenPicture(words.picture, { whole: true })).then((reply) => reply.blob()).then(pixelsOf).then((pixels) => live.see(pixels, (seen) => setNow({ ...seen, mark: words.picture })), () => {});
  }, [live, words.picture]);
  const show = (given) => go("ask", { run, picture: given.picture }, { instead: true });
  const see = (picture) => live?.see(picture, (seen) => setNow({ ...seen, moving: true }));
  const still = async (picture, name) => {
    try {
      const given = await give(await fileOf(picture, name));
      setNow((before) => before && { ...before, moving: false, mark: given.picture });
      show(given);
    } catch (found) {
      setError(found);
    }
  };
  const stroke = (picture) => {
    see(picture);
    clearTimeout(rest.current);
    rest.current = setTimeout(() => still(picture, "drawing.png"), QUIET);
  };
  const ways = [["file", "A picture"], ...(live?.draws ? [["pen", "Draw"]] : []), ["camera", "Camera"]];
  return html`<${Question} title=${TITLE}>Show it something. It says what it takes it for, how sure it is, and which parts of the picture that hangs on.</${Question}>
    <${RunField} runs=${runs} run=${run} choose=${(name) => go("ask", { run: name, picture: words.picture })} />
    <${Failed} error=${model.error || error} again=${model.error && model.again} />
    ${model.waiting && html`<${Waiting}>Opening the network.</${Waiting}>`}
    ${model.value && html`<div class="ask"><section aria-label="What it is shown"><div class="views" role="group" aria-label="Where it comes from">${ways.map(([name, title]) => html`<button class="small" key=${name} aria-pressed=${by === name ? "true" : "false"} onClick=${() => setBy(name)}>${title}</button>`)}</div>
        ${by === "pen" && live ? html`<${Drawing} live=${live} show=${stroke} />` : by === "camera" && !live ? html`<${Camera} take=${async (file) => show(await give(file))} />` : by === "camera" ? html`<${Film} show=${see} still=${(picture) => { setBy("file"); still(picture, "camera.png"); }} />`
          : html`${words.picture && html`<img class="asked-picture" src=${givenPicture(words.picture)} alt="The picture that is asked about" />`}<${Give} run=${run} take=${show} />`}</section>
      <section aria-label="What it says">${now?.moving || !words.picture ? html`<${Said} seen=${now} />` : html`<${Told} key=${words.picture} run=${run} words=${words} model=${model.value} seen=${now} />`}</section></div>
    ${live ? now && html`<h2>What every layer makes of it</h2><p class="quiet">The map of each layer that answers most, on its own scale. Choose one to look inside.</p><${River} live=${live} small=${now.small} words=${{ run, picture: words.picture }} />`
      : model.value.why_not && html`<p class="quiet small-print">It does not answer while you draw or film: ${model.value.why_not}.</p>`}
    ${words.picture && !now?.moving && html`<${Why} key=${`${run} ${words.picture}`} run=${run} words=${words} model=${model.value} />`}`}`;
}

// What the network in this page says, at once.
function Said({ seen }) {
  if (!seen) return html`<p class="verdict quiet">Show it something.</p>`;
  return html`<p class="verdict" aria-live="polite"><${Name}>${seen.said}</${Name}></p><${Bars} bars=${seen.bars} /><p class="quiet small-print">${seen.trust}</p>
    <p class="quiet small-print">Computed in this page in ${seen.took < 10 ? seen.took.toFixed(1) : Math.round(seen.took)} ms.</p>`;
}

function Bars({ bars }) {
  if (!bars.length) return null;
  return html`<table class="bars"><caption class="hidden">How likely each is</caption><tbody>${bars.map((one) => html`<tr key=${one.name}><th scope="row"><${Name}>${one.name}</${Name}></th>
    <td class="track"><span class="bar" style=${{ left: 0, width: `${100 * one.share}%` }}></span>${one.cut !== undefined && html`<span class="cut" title=${`said from ${figure(one.cut)} on`} style=${{ left: `${100 * one.cut}%` }}></span>`}</td><td>${percent(one.share)}</td></tr>`)}</tbody></table>`;
}

// What striate predict says of the picture: the very answer, drawn on it where it lies in it.
function Told({ run, words, model, seen }) {
  const asked = useAnswer((more) => post("/api/ask/answer", { run, picture: words.picture }, more), [run, words.picture]);
  const [missed, setMissed] = useState(false);
  if (asked.error) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!asked.value) return seen ? html`<${Said} seen=${seen} />` : html`<${Waiting}>It looks.</${Waiting}>`;
  const { text, said, drawn, size } = asked.value;
  const about = (more) => go("ask", { run, picture: words.picture, ...more });
  const point = (event) => {
    const edge = event.currentTarget.getBoundingClientRect();
    const scale = size[1] / edge.width, place = [(event.clientX - edge.left) * scale, (event.clientY - edge.top) * scale].map(Math.floor);
    if (place[1] >= size[0]) return; // under the picture stands what its colours mean
    const at = place.join(",");
    if (missed) about({ missed: at });
    else if (model.ways.includes("pixel")) about({ pixel: at });
  };
  const bars = (said.scores || []).slice(0, 8).map((one) => ({ name: one.class ?? one.tag, share: one.probability, cut: one.threshold }));
  return html`<p class="verdict" aria-live="polite"><${Name}>${seen?.mark === words.picture && seen.said ? seen.said : inWords(text, said)}</${Name}></p>
    ${drawn && html`<img class=${model.ways.includes("pixel") || missed ? "asked-picture pointed" : "asked-picture"} src=${drawn} alt=${`The picture with the answer drawn on it: ${text}`} onClick=${point} />`}
    ${model.ways.includes("pixel") && html`<${Pointed} size=${size} ask=${(at) => about({ pixel: at })}>Choose a pixel to see why it says what it says there.</${Pointed}>`}
    <${Bars} bars=${bars} />
    ${said.unknown && html`<p class="caution">It resembles nothing that it was trained on; the shares only tell what it is nearest to.</p>`}
    ${said.strangers && html`<p class="quiet small-print">“None of these”: ${said.strangers}.</p>`}
    ${["numbers", "boxes", "areas"].map((name) => said[name]?.length > 0 && html`<${Rows} key=${name} rows=${said[name]} why=${name === "boxes" && ((number) => about({ object: number }))} />`)}
    ${model.ways.includes("missed") && html`<label class="check"><input type="checkbox" checked=${missed} onChange=${(event) => setMissed(event.target.checked)} /> It missed something: I point at it</label>
      ${missed && html`<${Pointed} size=${size} ask=${(at) => about({ missed: at })}>Click where it is.</${Pointed}>`}`}
    <${Command} text=${asked.value.command} title="The answer as a command" />`;
}

// The likeliest with its share; what ranks nothing is said as the command says it.
function inWords(text, said) {
  const [first] = said.scores || [];
  if (!first || first.class === undefined) return text;
  return `${said.unknown ? "None of these. The closest is " : ""}${first.class}, ${percent(first.probability, 0)}`;
}

// A place by numbers, for whoever points with the keyboard.
function Pointed({ size, ask, children }) {
  const [at, setAt] = useState([Math.floor(size[1] / 2), Math.floor(size[0] / 2)]);
  return html`<p class="quiet small-print">${children}</p><form class="line" onSubmit=${(event) => { event.preventDefault(); ask(at.join(",")); }}>
    ${["x", "y"].map((name, axis) => html`<label key=${name}>${name} <input type="number" min="0" max=${size[1 - axis] - 1} value=${at[axis]} onInput=${(event) => setAt(at.map((one, place) => (place === axis ? Number(event.target.value) : one)))} /></label>`)}<button class="small">Ask about this place</button></form>`;
}

const cell = (value) => (value === null || value === undefined ? "–" : typeof value === "number" ? figure(value) : typeof value === "object" ? Object.values(value).map((one) => figure(one)).join(", ") : String(value));

function Rows({ rows, why }) {
  const heads = [...new Set(rows.flatMap(Object.keys))];
  return html`<div class="wide" tabindex="0" role="group" aria-label="The answer as a table"><table><thead><tr>${heads.map((head) => html`<th scope="col" key=${head}>${head}</th>`)}${why && html`<th></th>`}</tr></thead>
    <tbody>${rows.slice(0, 60).map((row, at) => html`<tr key=${at}>${heads.map((head) => html`<td key=${head}><${Name}>${cell(row[head])}</${Name}></td>`)}${why && html`<td>${row.number && html`<button class="small" onClick=${() => why(row.number)}>Why?</button>`}</td>`}</tr>`)}</tbody></table></div>`;
}

const numbers = (text) => (text ? text.split(",").map(Number) : null);

// The evidence; against another answer; what would change its mind.
function Why({ run, words, model }) {
  const [change, setChange] = useState(false);
  const places = { object: words.object ? Number(words.object) : null, pixel: numbers(words.pixel), missed: numbers(words.missed) };
  const wish = { run, picture: words.picture, why: words.why || null, against: words.against || null, change, ...places };
  const asked = useAnswer((more) => post("/api/ask/why", wish, more), [JSON.stringify(wish)]);
  const about = (more) => go("ask", { run, picture: words.picture, why: words.why, against: words.against, ...more }, { instead: true });
  const plain = !model.placed && model.names.length > 1;
  const choose = (label, name, none) => html`<label class="field"><span>${label}</span><select value=${words[name] || ""} onChange=${(event) => about({ [name]: event.target.value })}>
    <option value="">${none}</option>${model.names.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>`;
  return html`<section class="why-told" aria-label="Why" aria-busy=${asked.waiting ? "true" : "false"}>${plain && html`<div class="fields tight">${choose("Why", "why", "what it says")}${choose("And why not", "against", "nothing in particular")}</div>`}
    ${asked.waiting && html`<${Waiting}>Looking for evidence, and testing it.</${Waiting}>`}<${Failed} error=${asked.error} again=${asked.again} />
    ${asked.value && html`<${Answers} answers=${asked.value.answers} open=${change ? 9 : 1} />`}
    <div class="actions">${!change && !words.missed && html`<button onClick=${() => setChange(true)}>What would change its mind?</button>`}
      <a class="button" href=${link("look", { run, picture: words.picture })}>Look inside</a></div><${Command} text=${asked.value?.command} title="The reasons as a command" /></section>`;
}
