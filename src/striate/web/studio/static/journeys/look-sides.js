// Two epochs or two runs side by side: the first filters, and what some parts make of a picture of the run's.
import { html } from "studio/core.js";
import { get } from "studio/api.js";
import { go } from "studio/router.js";
import { RunField } from "studio/given.js";
import { Drawn, unpacked } from "studio/maps.js";
import { Command, Failed, useAnswer, Waiting } from "studio/ui.js";

export function Sides({ runs, run, words }) {
  const to = (more) => go("look", { ...words, run, ...more }, { instead: true });
  const other = runs.some((one) => one.name === words.other) ? words.other : run;
  return html`<div class="sides"><${Side} runs=${runs} run=${run} epoch=${words.epoch} choose=${(name) => to({ run: name, epoch: undefined })} at=${(epoch) => to({ epoch })} label="One" first />
    <${Side} runs=${runs} run=${other} epoch=${words.epoch2} choose=${(name) => to({ other: name, epoch2: undefined })} at=${(epoch) => to({ epoch2: epoch })} label="The other" /></div>`;
}

function Side({ runs, run, epoch, choose, at, label, first }) {
  const asked = useAnswer((more) => get("/api/watch/learnt", { run }, more), [run]);
  const found = asked.value, epochs = found?.epochs || [];
  const now = epochs.includes(Number(epoch)) ? Number(epoch) : first && epochs.length > 1 ? epochs[0] : epochs.at(-1);
  const filters = found?.filters[now];
  return html`<section aria-label=${label}><${RunField} runs=${runs} run=${run} choose=${choose} label=${label} /><${Failed} error=${asked.error} />${asked.waiting && html`<${Waiting}>Reading what it kept.</${Waiting}>`}
    ${found && !epochs.length && html`<p>It kept nothing by epoch.</p>`}
    ${epochs.length > 0 && html`<label class="field"><span>Epoch ${now}</span><input type="range" min="0" max=${epochs.length - 1} value=${epochs.indexOf(now)} onInput=${(event) => at(epochs[Number(event.target.value)])} /></label>
      ${filters && html`<h3>Filters of the first layer</h3><${Some} packed=${filters} label="Filter" />`}
      ${found.parts.map((part) => part.maps[now] && html`<div key=${part.name}><h3>${part.name} <span class="quiet">its maps of one picture</span></h3><${Some} packed=${part.maps[now]} label=${`Map of ${part.name}, channel`} /></div>`)}<${Command} text=${found.command} />`}</section>`;
}

function Some({ packed, label }) {
  const { shape, numbers } = unpacked(packed), deep = shape.length === 4 ? shape[1] : 1, [height, width] = shape.slice(-2), size = deep * height * width;
  const signed = numbers.some((one) => one < 0);
  return html`<div class="channels">${Array.from({ length: Math.min(32, shape[0]) }, (_, one) => html`<${Drawn} key=${one} numbers=${numbers.subarray(one * size, (one + 1) * size)} height=${height} width=${width} colours=${deep === 3} signed=${signed} label=${`${label} ${one}`} side=${48} />`)}</div>`;
}
