// On which kinds of pictures it is better and worse: by label, size, brightness; and whether that is more than chance.
import { html } from "studio/core.js";
import { post } from "studio/api.js";
import { counted, thousands } from "studio/format.js";
import { link } from "studio/router.js";
import { AsCommand, Failed, Name, Waiting, Wide, useAnswer } from "studio/ui.js";
import { Some } from "./judge-mistakes.js";

const ORDER = (one) => (one.real ? 0 : 1);

export function Slices({ found, words, decided, asked }) {
  const answer = useAnswer((more) => post("/api/judge/slices", asked, more), [asked.run, asked.part]);
  if (answer.error) return html`<${Failed} error=${answer.error} again=${answer.again} />`;
  if (!answer.value) return html`<${Waiting}>Looking at the sizes and the brightness of the pictures.</${Waiting}>`;
  const { slices, measure } = answer.value, apart = slices.filter((one) => one.real).length;
  const address = (one) => link("judge", { folder: words.folder, run: asked.run, part: words.part, view: "slices", by: one.by, name: one.name });
  if (words.name !== undefined) {
    return html`<p><a href=${link("judge", { folder: words.folder, run: asked.run, part: words.part, view: "slices" })}>All kinds</a></p><h2>${words.by}: <${Name}>${words.name}</${Name}></h2><p class="quiet">The worst answers first.</p>
      <${Some} key=${words.by + words.name} asked=${asked} which=${{ which: "slice", by: words.by, name: words.name }} decided=${decided} folder=${found.source} names=${found.names} scenes=${found.confusion ? null : found.placed ? "large" : "plain"} first=${24} />`;
  }
  if (!slices.length) return html`<p>These pictures are all of one kind.</p>`;
  const groups = [...new Set(slices.map((one) => one.by))];
  return html`<p>${apart ? html`<b>${counted(apart, "kind")} of ${slices.length}</b> ${apart === 1 ? "differs" : "differ"} from the others by more than chance makes among so many.` : `None of ${slices.length} kinds differs from the others by more than chance makes among so many.`}
    <span class="quiet"> ${measure === "right" ? "The share of answers that are right" : `The mean ${measure}, lower is better`}, with its 95 % interval.</span></p>
    ${groups.map((by) => html`<h2 key=${by}>By ${by}</h2><${Wide} label=${`Kinds by ${by}`}><table class="slices"><thead><tr><th scope="col">${by}</th><th scope="col">pictures</th><th scope="col">${measure}</th><th scope="col">the others</th><th scope="col">real?</th></tr></thead>
      <tbody>${slices.filter((one) => one.by === by).sort((one, other) => (by === "label" ? ORDER(one) - ORDER(other) : 0)).map((one) => html`<tr key=${one.name}><th scope="row"><a href=${address(one)}><${Name}>${one.name}</${Name}></a></th><td>${thousands(one.pictures)}</td>
        <td>${one.figure.value}<small>${one.figure.between}</small></td><td>${one.rest ?? "–"}</td><td>${one.p === null ? html`<span class="quiet">too few</span>` : one.real ? html`<b>differs</b>` : html`<span class="quiet">may be chance</span>`}</td></tr>`)}</tbody></table></${Wide}>`)}
    <${AsCommand} text=${answer.value.command} />`;
}
