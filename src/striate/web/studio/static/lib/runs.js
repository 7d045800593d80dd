// Which run: those that are done, the newest first; one is chosen, by the address.
import { html, useEffect } from "studio/core.js";
import { get } from "studio/api.js";
import { go, link } from "studio/router.js";
import { Failed, Name, Question, useAnswer, Waiting } from "studio/ui.js";

const LISTED = 60;

// The runs that are done; an address without one is given the newest. Returns { run, runs, shown } - shown where there is none.
export function useRun(journey, words, title) {
  const asked = useAnswer((more) => get("/api/runs", { state: "finished", most: LISTED }, more), [journey]);
  const runs = asked.value?.runs || [], run = words.run;
  useEffect(() => { if (!run && runs.length) go(journey, { ...words, run: runs[0].name }, { instead: true }); }, [run, runs.length]);
  if (asked.error) return { runs, shown: html`<${Question} title=${title} /><${Failed} error=${asked.error} again=${asked.again} />` };
  if (!asked.value) return { run, runs, shown: run ? null : html`<${Waiting}>Looking for runs.</${Waiting}>` };
  if (!run && !runs.length) return { runs, shown: html`<${Question} title=${title}>There is no run that is done yet. <a href=${link("train", { folder: words.folder })}>Train one</a>, and come back.</${Question}>` };
  return { run, runs, shown: null };
}

export function RunChoice({ runs, run, choose, label = "Run", none }) {
  const listed = run && !runs.some((one) => one.name === run) ? [{ name: run }, ...runs] : runs;
  return html`<label class="run-choice"><span>${label}</span><select value=${run || ""} onChange=${(event) => choose(event.target.value)}>
    ${none && html`<option value="">${none}</option>`}${listed.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}${one.figure_text ? `, ${one.measure} ${one.figure_text.split(" (")[0]}` : ""}</option>`)}</select></label>`;
}

export const RunName = ({ children }) => html`<b><${Name}>${children}</${Name}></b>`;
