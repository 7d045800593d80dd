// Look inside: a part, a channel, a pixel of its map; what it was made of, and on, back to the picture.
import { html, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { figure } from "studio/format.js";
import { go, link } from "studio/router.js";
import { Answers } from "studio/answers.js";
import { Give, givenPicture, RunField, useRuns } from "studio/given.js";
import { Drawn, unpacked } from "studio/maps.js";
import { Command, Failed, Question, useAnswer, Waiting } from "studio/ui.js";
import { Made } from "./look-number.js";
import { Sides } from "./look-sides.js";

const TITLE = "How does it come to that?";

export default function Look({ words }) {
  const { runs, error, value, again } = useRuns();
  if (error) return html`<${Question} title=${TITLE} /><${Failed} error=${error} again=${again} />`;
  if (!value) return html`<${Question} title=${TITLE} /><${Waiting}>Looking for networks.</${Waiting}>`;
  const run = runs.some((one) => one.name === words.run) ? words.run : runs[0]?.name;
  if (!run) return html`<${Question} title=${TITLE}>No network has learnt anything here yet. <a href=${link("train")}>Train one</a>, and come back.</${Question}>`;
  const views = html`<div class="views" role="group" aria-label="What is looked at">${[["", "One number"], ["sides", "Two epochs or two runs"]].map(([name, title]) => html`<button class="small" key=${name}
    aria-pressed=${(words.view || "") === name ? "true" : "false"} onClick=${() => go("look", { run, picture: words.picture, view: name })}>${title}</button>`)}</div>`;
  if (words.view === "sides") return html`<${Question} title="What is different?">The filters of the first layer, and what some parts make of one picture of the run, by two epochs or two runs.</${Question}>${views}<${Sides} runs=${runs} run=${run} words=${words} />`;
  return html`<${Question} title=${TITLE}>Every number in the network is a sum that can be looked up. Choose a map and a position on it; each number leads on to those it was made of, back to the picture.</${Question}>${views}
    <${RunField} runs=${runs} run=${run} label="Which network" choose=${(name) => go("look", { run: name, picture: words.picture })} />
    ${words.picture ? html`<${Inside} key=${`${run} ${words.picture}`} run=${run} words=${words} />` : html`<p>It needs a picture.</p><${Give} run=${run} take=${(given) => go("look", { run, picture: given.picture, part: words.part })} />`}`;
}

const at = (words) => (words.at ? words.at.split(",").map(Number) : null);

function Inside({ run, words }) {
  const { picture } = words;
  const given = useAnswer((more) => get("/api/given", { picture }, more), [picture]);
  const net = useAnswer((more) => get("/api/look/parts", { run }, more), [run]);
  const parts = net.value?.parts || [];
  const part = words.part || parts[0]?.part;
  const channel = words.channel === undefined ? null : Number(words.channel), place = at(words);
  const wish = { run, picture, part: part || "", channel, at: place };
  const none = () => Promise.resolve(null);
  const maps = useAnswer((more) => (part ? post("/api/look/map", { ...wish, at: null }, more) : none()), [run, picture, part]);
  const number = useAnswer((more) => (part ? post("/api/look/number", wish, more) : none()), [JSON.stringify(wish)]);
  const to = (more) => go("look", { run, picture, part, channel: words.channel, at: words.at, ...more });
  const found = number.value, row = parts.findIndex((one) => one.part === found?.part);
  if (given.error || net.error) return html`<${Failed} error=${given.error || net.error} /><${Give} run=${run} take=${(one) => to({ picture: one.picture })} />`;
  if (!net.value) return html`<${Waiting}>Opening the network.</${Waiting}>`;
  const move = (step) => to({ part: parts[Math.max(0, Math.min(parts.length - 1, row + step))].part, channel: undefined, at: undefined });
  return html`<div class="inside"><section aria-label="The picture"><${Seen} picture=${picture} size=${given.value?.size} sees=${found?.sees} />
      <p class="quiet small-print">${found ? html`What this number can depend on is framed. <a href=${link("look", { run })}>Another picture</a> · <a href=${link("ask", { run, picture })}>Its answer</a>` : ""}</p></section>
    <section aria-label="The part"><div class="line"><label class="field part-field"><span>Part</span><select value=${found?.part ?? part} onChange=${(event) => to({ part: event.target.value, channel: undefined, at: undefined })}>
        ${parts.map((one) => html`<option key=${one.part} value=${one.part}>${one.part}: ${one.layer.slice(0, 40)}, ${one.output.join(" × ")}</option>`)}</select></label>
        <button class="small" disabled=${row <= 0} onClick=${() => move(-1)}>← Before</button><button class="small" disabled=${row < 0 || row + 1 >= parts.length} onClick=${() => move(1)}>After →</button></div>
      <${Failed} error=${maps.error} />
      ${maps.value && found && html`<${Maps} maps=${maps.value} channel=${found.channel} place=${found.at} names=${net.value.names} to=${to} />`}</section></div>
    <${Failed} error=${number.error} again=${number.again} />
    ${found && html`<${Made} found=${found} to=${to} /><${Command} text=${found.command} title="This number as a command" />
      <${Sought} key=${`${found.part} ${found.channel}`} wish=${{ run, picture, part: found.part, channel: found.channel, at: found.at }} />`}
    ${!found && number.waiting && html`<${Waiting}>Computing it.</${Waiting}>`}`;
}

// The picture with the pixels that the number can depend on.
function Seen({ picture, size, sees }) {
  if (!size) return null;
  const [height, width] = size, [top, left, bottom, right] = sees?.picture || [0, 0, 0, 0];
  return html`<svg class="field-on" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${sees ? `The picture; columns ${left} to ${right} and rows ${top} to ${bottom} are what this number sees` : "The picture"}>
    <image href=${givenPicture(picture)} width=${width} height=${height} />${sees && html`<rect class="field-box" x=${left} y=${top} width=${right - left} height=${bottom - top} />`}</svg>`;
}

function Maps({ maps, channel, place, names, to }) {
  const { shape: [, height, width], numbers } = unpacked(maps.maps), size = height * width;
  const slice = (index) => numbers.subarray(index * size, (index + 1) * size);
  const index = Math.max(0, maps.channels.indexOf(channel)), [row, column] = place || [0, 0];
  const [all, setAll] = useState(false);
  const jump = (down, right) => to({ channel, at: [Math.max(0, Math.min(maps.size[0] - 1, row + down)), Math.max(0, Math.min(maps.size[1] - 1, column + right))].join(",") });
  const press = (event) => {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (way) { event.preventDefault(); jump(...way); }
  };
  const point = (event) => {
    const edge = event.currentTarget.getBoundingClientRect();
    to({ channel, at: [Math.floor(((event.clientY - edge.top) / edge.height) * maps.size[0]), Math.floor(((event.clientX - edge.left) / edge.width) * maps.size[1])].join(",") });
  };
  if (maps.flat) return html`<label class="field part-field"><span>Which of its ${maps.of} numbers</span><input type="number" min="0" max=${maps.of - 1} value=${channel} onChange=${(event) => to({ channel: event.target.value, at: undefined })} /></label>
    <div class="channels">${maps.channels.slice(0, 24).map((one, at) => html`<button class="small" key=${one} aria-pressed=${one === channel ? "true" : "false"} onClick=${() => to({ channel: one, at: undefined })}>${names.length === maps.of ? names[one] : one}: ${figure((slice(at)[0] / 127) * maps.largest)}</button>`)}</div>`;
  return html`<div class="map-large" tabindex="0" role="application" aria-label=${`Map of channel ${channel}, at row ${row}, column ${column}; the arrow keys move`} onKeyDown=${press} onClick=${point}>
      <${Drawn} numbers=${slice(index)} height=${height} width=${width} signed=${maps.signed} label=${`Channel ${channel}`} side=${320} />
      ${place && html`<span class="here" style=${{ left: `${(100 * column) / maps.size[1]}%`, top: `${(100 * row) / maps.size[0]}%`, width: `${100 / maps.size[1]}%`, height: `${100 / maps.size[0]}%` }}></span>`}</div>
    <p class="quiet small-print">Channel ${channel} of ${maps.of}. ${maps.signed ? "Blue is below zero, orange above." : "Darker is more."} The most active channels come first:</p>
    <div class="channels">${maps.channels.slice(0, all ? 64 : 16).map((one, at) => html`<button class="picture-button" key=${one} aria-label=${`Channel ${one}`} aria-pressed=${one === channel ? "true" : "false"} onClick=${() => to({ channel: one })}>
      <${Drawn} numbers=${slice(at)} height=${height} width=${width} signed=${maps.signed} label=${`Channel ${one}`} side=${48} /></button>`)}${!all && maps.channels.length > 16 && html`<button class="small" onClick=${() => setAll(true)}>More</button>`}</div>`;
}

// What the channel looks for: asked when wanted, as its pictures are searched and one is grown.
function Sought({ wish }) {
  const [wanted, setWanted] = useState(false);
  const asked = useAnswer((more) => (wanted ? post("/api/look/part", wish, more) : Promise.resolve(null)), [wanted]);
  if (!wanted) return html`<div class="actions"><button onClick=${() => setWanted(true)}>What is channel ${wish.channel} of ${wish.part} looking for?</button></div>`;
  return html`${asked.waiting && html`<${Waiting}>Searching the pictures for what excites it, and growing one that does most.</${Waiting}>`}<${Failed} error=${asked.error} again=${asked.again} />
    ${asked.value && html`<${Answers} answers=${asked.value.answers} open=${2} /><${Command} text=${asked.value.command} title="That as a command" />`}`;
}
