// The shell: what stands around every screen, and which screen is shown.
import { html, render, signal, useEffect, useState } from "studio/core.js";
import { get } from "studio/api.js";
import { connected, listen, trainings } from "studio/live.js";
import { clock, lastPart } from "studio/format.js";
import { go, link, route } from "studio/router.js";
import { Failed, Name, Waiting } from "studio/ui.js";
import { JOURNEYS } from "./journeys/table.js";

const place = signal(null); // where the studio works: /api/state

function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" /><g>
    <path d="M7 21 21 7" /><path d="M9 26 26 9" opacity=".75" /><path d="M17 26 26 17" opacity=".45" /></g></svg>`;
}

const UNDER_WAY = ["starting", "preparing", "learning", "measuring", "finishing"];

// The training that is under way, wherever one is.
function Pill() {
  const now = trainings.value.find((one) => UNDER_WAY.includes(one.state));
  const waiting = trainings.value.filter((one) => one.state === "waiting").length;
  if (!now) return null;
  const said = now.state === "learning" && now.epochs ? `epoch ${Math.min((now.epoch || 0) + 1, now.epochs)} of ${now.epochs}` : now.state;
  return html`<a class="pill" href=${link("train", { id: now.id })}><span class="pulse" aria-hidden="true"></span>
    <span><${Name}>${now.run || now.title}</${Name}>: ${said}</span>${now.seconds_left > 1 && html`<span class="quiet">${clock(now.seconds_left)} left</span>`}
    ${waiting > 0 && html`<span class="quiet">+${waiting} waiting</span>`}</a>`;
}

function Shell() {
  const { journey, words } = route.value;
  const folder = words.folder ?? place.value?.folder ?? undefined;
  const known = JOURNEYS.find((one) => one.name === journey);
  useEffect(() => {
    if (place.value && !known) go(JOURNEYS[0].name, { folder: place.value.folder }, { instead: true });
  }, [journey, place.value]);
  return html`<header class="top"><a class="brand" href=${link(JOURNEYS[0].name, { folder })}><${Mark} />Striate <b>studio</b></a>
      ${folder && html`<span class="where" title=${folder}><${Name}>${lastPart(folder)}</${Name}></span>`}<span class="fill"></span><${Pill} /></header>
    <nav class="journeys" aria-label="Journeys"><ol>${JOURNEYS.map((one) => html`<li key=${one.name}>
      <a href=${link(one.name, { folder })} aria-current=${one.name === journey ? "page" : undefined}>
        <b>${one.title}</b><small>${one.asks}</small></a></li>`)}</ol></nav>
    <main id="main" tabindex="-1">
      ${!connected.value && html`<div class="notice error" role="alert"><div>The studio does not answer. It is closed, or starts again: this page goes on by
        itself when it is there. Trainings go on without it.</div></div>`}
      ${known && place.value && html`<${Screen} key=${known.name} journey=${known} words=${words} />`}</main>`;
}

// A screen is a module of its own, which is loaded when it is first shown.
function Screen({ journey, words }) {
  const [found, setFound] = useState({});
  useEffect(() => {
    journey.load().then((module) => setFound({ module }), (error) => setFound({ error }));
  }, []);
  const shown = `${journey.name} ${words.id || ""} ${words.folder || ""} ${words.view || ""}`;
  useEffect(() => { // who changes the screen by the keyboard goes on from its question
    const heading = found.module && document.querySelector("[data-question]");
    if (heading && document.activeElement !== document.body && !document.activeElement.closest("main")) heading.focus({ preventScroll: true });
  }, [shown, found.module]);
  if (found.error) return html`<${Failed} error=${found.error} />`;
  if (!found.module) return null;
  return html`<${found.module.default} words=${words} place=${place.value} />`;
}

function Studio() {
  const [error, setError] = useState(null);
  useEffect(() => {
    get("/api/state").then((said) => {
      trainings.value = said.trainings;
      place.value = said;
      listen();
    }, setError);
  }, []);
  if (error) return html`<main id="main" class="alone"><${Failed} error=${error} again=${() => location.reload()} /></main>`;
  if (!place.value) return html`<main id="main" class="alone"><${Waiting}>One moment.</${Waiting}></main>`;
  return html`<${Shell} />`;
}

render(html`<${Studio} />`, document.getElementById("app"));
