// What a training has learnt so far: its first filters and what parts make of a picture, by epoch; what it gets wrong now.
import { html, useEffect, useMemo, useState } from "studio/core.js";
import { get, pictureOf, post } from "studio/api.js";
import { counted } from "studio/format.js";
import { Drawn, unpacked } from "studio/maps.js";
import { AsCommand, Failed, Name, Waiting } from "studio/ui.js";

const SELDOM = 3000; // milliseconds between two looks while it learns

// `mark` changes with every epoch; what is shown is looked up anew, but seldom.
export function Learnt({ run, mark, over }) {
  const [state, setState] = useState({});
  const [chosen, setChosen] = useState(null); // null: the newest
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const wait = setTimeout(() => {
      setAsked(Date.now());
      get("/api/watch/learnt", { run }).then((found) => setState({ found }), (error) => setState({ error }));
    }, Math.max(0, asked + SELDOM - Date.now()));
    return () => clearTimeout(wait);
  }, [run, mark]);
  const { found } = state;
  if (state.error) return html`<${Failed} error=${state.error} />`;
  if (!found || found.epochs.length < 2) return null;
  const at = chosen === null ? found.epochs.length - 1 : Math.min(chosen, found.epochs.length - 1), epoch = found.epochs[at];
  return html`<section class="learnt"><h2>${over ? "What it learnt" : "What it has learnt so far"}</h2>
    <label class="line epoch-line"><span>${epoch === 0 ? "before the first epoch" : `after epoch ${epoch}`}</span><input type="range" aria-label="The epoch that is shown" aria-valuetext=${epoch === 0 ? "before the first epoch" : `after epoch ${epoch}`} min="0" max=${found.epochs.length - 1} value=${at}
      onInput=${(event) => setChosen(Number(event.target.value) === found.epochs.length - 1 ? null : Number(event.target.value))} /></label>
    <${Filters} found=${found} epoch=${epoch} /><${Maps} found=${found} epoch=${epoch} />
    <${AsCommand} text=${found.command} when=", when it is done" /></section>`;
}

function nearest(by, epoch) {
  const known = Object.keys(by).map(Number).filter((one) => one <= epoch);
  return by[known.length ? Math.max(...known) : Object.keys(by)[0]];
}

function Filters({ found, epoch }) {
  const packed = nearest(found.filters, epoch);
  const filters = useMemo(() => packed && unpacked(packed), [packed]);
  if (!filters) return null;
  const [number, channels, height, width] = filters.shape, size = channels * height * width;
  return html`<h3>Filters of the first layer <small class="quiet">${channels === 3 ? "as colours: gray is zero" : "orange above zero, blue below"}</small></h3>
    <div class="map-row">${Array.from({ length: number }, (_, at) => html`<${Drawn} key=${at} side=${40} height=${height} width=${width} colours=${channels === 3} signed label=${`filter ${at + 1}`} numbers=${filters.numbers.subarray(at * size, (at + 1) * size)} />`)}</div>`;
}

function Maps({ found, epoch }) {
  if (!found.parts.length) return null;
  return html`<h3>What its parts make of one picture</h3><div class="map-parts">
    ${found.picture && html`<figure class="map-part"><img alt="the picture" src=${pictureOf(found.source, found.picture)} /><figcaption><${Name}>${found.picture.split("/").pop()}</${Name}></figcaption></figure>`}
    ${found.parts.map((part) => html`<${Part} key=${part.name} part=${part} epoch=${epoch} />`)}</div>`;
}

function Part({ part, epoch }) {
  const packed = nearest(part.maps, epoch), maps = useMemo(() => unpacked(packed), [packed]);
  const [number, height, width] = maps.shape, size = height * width, signed = maps.numbers.some((one) => one < 0);
  return html`<figure class="map-part"><div class="map-row">${Array.from({ length: Math.min(number, 8) }, (_, at) => html`<${Drawn} key=${at} height=${height} width=${width} signed=${signed} label=${`channel ${part.channels[at]} of ${part.name}`} numbers=${maps.numbers.subarray(at * size, (at + 1) * size)} />`)}</div>
    <figcaption>${part.name}, ${counted(width, "pixel")} wide; strongest ${part.largest.toPrecision(3)}</figcaption></figure>`;
}

export function WrongNow({ run, over }) {
  const [state, setState] = useState({});
  const ask = () => {
    setState((before) => ({ ...before, waiting: true }));
    post("/api/watch/wrong", { run }).then((found) => setState({ found }), (error) => setState({ error }));
  };
  const { found, error, waiting } = state;
  return html`<section class="wrong-now"><h2>What it gets wrong ${over ? "" : "now"}</h2>
    ${!found && !waiting && html`<p class="quiet">Its newest checkpoint is asked about pictures it does not learn from; that takes some of the time it learns with.</p>`}
    <${Failed} error=${error} />${waiting && html`<${Waiting}>Asking it.</${Waiting}>`}
    ${found && !waiting && html`<p>${found.headline} on ${counted(found.pictures, "picture")}.${found.notes.map((note) => ` ${note.slice(0, 1).toUpperCase()}${note.slice(1)}.`)}</p>
      ${found.worst.length === 0 ? html`<p>Nothing: every one of them is right.</p>` : html`<div class="wrong-ones">${found.worst.map((one) => html`<figure key=${one.key}><img loading="lazy" alt=${one.key} src=${pictureOf(found.source, one.key)} /><figcaption>${one.said}</figcaption></figure>`)}</div>`}`}
    ${!waiting && html`<button onClick=${ask}>${found ? "Ask again" : "Ask it"}</button>`}
    ${found && html`<${AsCommand} text=${found.command} />`}</section>`;
}
