// Can its confidence be believed, and are strangers told: bins of answers by how sure they are, before and after calibration.
import { html } from "studio/core.js";
import { percent, thousands } from "studio/format.js";
import { Notice, Wide } from "studio/ui.js";

const SIDE = 320, PAD = 40;

export function Believed({ found }) {
  const strangers = found.lines.find((line) => line.startsWith("none of these: ")), calibrated = found.lines.filter((line) => !line.startsWith("none of these: "));
  return html`<h2>Does 87 % mean 87 %?</h2><p>Confidence is <b>${percent(found.calibration_error.value)}</b> off the share that is right, in the mean (${percent(found.calibration_error.low)} to ${percent(found.calibration_error.high)});
      before calibration it was ${percent(found.raw_calibration_error.value)}. ${calibrated.map((line) => `${line[0].toUpperCase()}${line.slice(1)}. `)}</p>
    <div class="believed"><${Diagram} bins=${found.reliability} raw=${found.raw_reliability} /><${Bins} bins=${found.reliability} /></div>
    <h2>Are strangers told?</h2>${strangers ? html`<p>${strangers.slice("none of these: ".length, 1 + "none of these: ".length).toUpperCase()}${strangers.slice(1 + "none of these: ".length)}.</p>` : html`<p>This model says nothing of strangers: it answers with one of its classes, whatever it is shown.</p>`}
    ${strangers?.includes("--strangers") && html`<${Notice}>Say it as a command: <code>striate train … --strangers</code>. It trains again without some of the classes, and asks about those.</${Notice}>`}`;
}

function Diagram({ bins, raw }) {
  const x = (value) => PAD + value * SIDE, y = (value) => 8 + (1 - value) * SIDE, there = (some) => some.filter((one) => one.pictures);
  const line = (some) => there(some).map((one) => `${x(one.confidence).toFixed(1)},${y(one.accuracy.value).toFixed(1)}`).join(" ");
  return html`<svg class="chart" viewBox=${`0 0 ${SIDE + PAD + 8} ${SIDE + PAD + 8}`} role="img" aria-label="Share of right answers by confidence, before and after calibration; the numbers are in the table">
    ${[0, 0.25, 0.5, 0.75, 1].map((at) => html`<g key=${at}><line class="grid" x1=${x(0)} x2=${x(1)} y1=${y(at)} y2=${y(at)} /><text class="tick end" x=${x(0) - 6} y=${y(at) + 4}>${at}</text><text class="tick mid" x=${x(at)} y=${y(0) + 16}>${at}</text></g>`)}
    <line class="ideal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)} /><polyline class="curve c2" points=${line(raw)} />
    ${there(bins).map((one) => html`<line key=${one.low} class="whisker c0" x1=${x(one.confidence)} x2=${x(one.confidence)} y1=${y(one.accuracy.low)} y2=${y(one.accuracy.high)} />`)}
    <polyline class="curve c0" points=${line(bins)} />${there(bins).map((one) => html`<circle key=${one.low} class="dot c0" cx=${x(one.confidence)} cy=${y(one.accuracy.value)} r="4" />`)}
    <text class="axis mid" x=${x(0.5)} y=${y(0) + 34}>confidence</text></svg>`;
}

function Bins({ bins }) {
  return html`<${Wide} label="Answers by confidence"><ul class="legend"><li><span class="key c0"></span>calibrated</li><li><span class="key c2"></span>before, and what it should be (dashes)</li></ul>
    <table><thead><tr><th scope="col">confidence</th><th scope="col">answers</th><th scope="col">right</th><th scope="col">95 %</th></tr></thead><tbody>${bins.filter((one) => one.pictures).map((one) => html`<tr key=${one.low}>
    <th scope="row">${percent(one.confidence, 0)}</th><td>${thousands(one.pictures)}</td><td>${percent(one.accuracy.value, 0)}</td><td>${(100 * one.accuracy.low).toFixed(0)} to ${(100 * one.accuracy.high).toFixed(0)}</td></tr>`)}</tbody></table></${Wide}>`;
}
