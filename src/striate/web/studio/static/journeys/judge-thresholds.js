// Thresholds: how sure it must be before it answers; moved by the mouse or by arrow keys, with what that costs.
import { html, useState } from "studio/core.js";
import { post } from "studio/api.js";
import { Curves } from "studio/chart.js";
import { figure, percent, thousands } from "studio/format.js";
import { AsCommand, Failed, Name, useAnswer, Waiting } from "studio/ui.js";

export function Thresholds({ asked, found }) {
  const answer = useAnswer((more) => post("/api/judge/thresholds", asked, more), [asked.run, asked.part]);
  const [which, setWhich] = useState(0), [at, setAt] = useState({}), [dear, setDear] = useState(5);
  if (answer.error) return html`<${Failed} error=${answer.error} again=${answer.again} />`;
  if (!answer.value) return html`<${Waiting}>Counting what is said from each score on.</${Waiting}>`;
  const { cuts } = answer.value, cut = cuts[which], last = cut.said.length - 1;
  const usual = Math.min(last, Math.ceil(cut.chosen * last - 1e-9)), place = at[which] ?? usual;
  const whole = Boolean(found.confusion) && which === 0;
  const cost = (one) => dear * (cut.said[one] - cut.right[one]) + Math.max(0, whole ? cut.present - cut.said[one] : cut.present - cut.right[one]);
  const cheapest = cut.said.reduce((best, _, one) => (cost(one) < cost(best) ? one : best), 0);
  const move = (to) => setAt({ ...at, [which]: Math.max(0, Math.min(last, to)) });
  return html`<p class="quiet">From which score on is an answer given? Higher: fewer answers, and more of them right. Counted on the pictures above; nothing is changed by moving it.</p>
    ${cuts.length > 1 && html`<label class="run-choice"><span>Answers of</span><select value=${which} onChange=${(event) => setWhich(Number(event.target.value))}>${cuts.map((one, place) => html`<option key=${one.name} value=${place}>${one.name}</option>`)}</select></label>`}
    <label class="threshold"><span>Answer from <output>${(place / last).toFixed(2)}</output> on</span>
      <input type="range" min="0" max=${last} value=${place} aria-label="Score from which on it answers" aria-valuetext=${(place / last).toFixed(2)} onInput=${(event) => move(Number(event.target.value))} /></label>
    <div class="line"><button class="small" disabled=${place === usual} onClick=${() => move(usual)}>${cut.chosen > 0 ? `As it is: ${cut.chosen.toFixed(2)}` : "As it is: always answer"}</button>
      <button class="small" disabled=${place === cheapest} onClick=${() => move(cheapest)}>Where it costs least: ${(cheapest / last).toFixed(2)}</button></div>
    <${Worth} cut=${cut} place=${place} whole=${whole} cost=${cost(place)} />
    <label class="threshold"><span>A wrong answer costs as much as <output>${dear}</output> ${whole ? "that are not given" : "that are missed"}</span>
      <input type="range" min="1" max="50" value=${dear} aria-label=${`Cost of a wrong answer, in ${whole ? "answers that are not given" : "missed ones"}`} onInput=${(event) => setDear(Number(event.target.value))} /></label>
    <${Course} cut=${cut} place=${place} last=${last} cost=${cost} whole=${whole} />
    <${AsCommand} text=${answer.value.command.replace("SCORE", (place / last).toFixed(2))} />`;
}

const share = (part, of) => (of ? percent(part / of) : "–");
const ends = (pair) => pair && `${(100 * pair[0]).toFixed(1)} to ${(100 * pair[1]).toFixed(1)}`;

function Worth({ cut, place, whole, cost }) {
  const said = cut.said[place], right = cut.right[place];
  const shown = whole
    ? [[share(said, cut.present), "of the pictures are answered", null], [share(right, said), "of the answers are right", ends(cut.precision[place])],
      [thousands(said - right), "answers are wrong"], [thousands(cut.present - said), "pictures are not answered"]]
    : [[share(right, said), "of what is said is right (precision)", ends(cut.precision[place])], [share(right, cut.present), "of what is there is found (recall)", ends(cut.recall[place])],
      [thousands(said - right), "said, and not so"], [thousands(cut.present - right), "there, and missed"]];
  shown.push([thousands(cost), "cost, in all"]);
  return html`<ul class="figures" aria-live="polite">${shown.map(([value, text, between]) => html`<li key=${text}><b>${value}</b>${between && html`<i>${between}</i>`}<span>${text}</span></li>`)}</ul>`;
}

function Course({ cut, place, last, cost, whole }) {
  const x = cut.said.map((_, one) => one / last), within = (values) => values.map((one) => (Number.isFinite(one) ? one : null));
  const curves = whole
    ? [{ name: "answered", values: within(cut.said.map((one) => one / cut.present)) }, { name: "right, of these", values: within(cut.said.map((one, at) => (one ? cut.right[at] / one : NaN))) }]
    : [{ name: "recall", values: within(cut.right.map((one) => one / cut.present)) }, { name: "precision", values: within(cut.said.map((one, at) => (one ? cut.right[at] / one : NaN))) }];
  return html`<div class="pair courses"><${Curves} title=${whole ? "By the score it answers from" : "By the score it is said from"} label="score" x=${x} curves=${curves} form=${(value) => percent(value, 0)} whole=${false} at=${place} />
    <${Curves} title="Cost" label="score" x=${x} curves=${[{ name: "cost", values: x.map((_, at) => cost(at)) }]} form=${figure} whole=${false} at=${place} /></div><p class="quiet small-print"><${Name}>${cut.name}</${Name}>: ${thousands(cut.present)} there.</p>`;
}
