// What the network is given: the very pixels, as they are measured by and as they are learnt from.
import { html, useEffect, useState } from "studio/core.js";
import { pictureOf, post } from "studio/api.js";
import { on } from "studio/live.js";
import { Command, Failed, Field, Name, useAnswer, Waiting } from "studio/ui.js";

const AUGMENT = ["none", "light", "zoom", "standard", "strong"];
const BEGIN = [["", "by itself"], ["none", "chance"]];

export default function Seen({ folder }) {
  const [wishes, setWishes] = useState({});
  const [far, setFar] = useState(null);
  useEffect(() => on("progress", (facts) => facts.about === "train.inputs" && setFar(facts)), []);
  const asked = useAnswer((more) => post("/api/train/inputs", { source: folder, ...wishes }, more), [folder, JSON.stringify(wishes)]);
  const say = (name, value) => setWishes((before) => { const next = { ...before, [name]: value }; if (!value) delete next[name]; return next; });
  const found = asked.value;
  return html`<div class="fields narrow"><${Field} label="Augmentation" hint="how pictures are varied">
      <select value=${wishes.augment || ""} onChange=${(event) => say("augment", event.target.value)}><option value="">by itself</option>${AUGMENT.map((one) => html`<option key=${one}>${one}</option>`)}</select></${Field}>
    <${Field} label="Start from" hint="whose eyes they are prepared for">
      <select value=${wishes.start || ""} onChange=${(event) => say("start", event.target.value)}>${BEGIN.map(([value, title]) => html`<option key=${title} value=${value}>${title}</option>`)}</select></${Field}>
    <${Field} label="Size" hint="pixels, such as 64 or 96x128"><input value=${wishes.size || ""} placeholder="by itself" onChange=${(event) => say("size", event.target.value.trim())} /></${Field}></div>
    <${Failed} error=${asked.error} again=${asked.again} />
    ${asked.waiting && html`<${Waiting} share=${far?.of ? far.done / far.of : null}>${far ? `Preparing: ${far.what}` : "The pictures are prepared as a training would."}</${Waiting}>`}
    ${found && !asked.waiting && html`<p>${found.words}</p><div class="wide seen-table"><table><thead><tr><th scope="col">picture</th><th scope="col">your file</th><th scope="col">measured by</th>
        ${(found.pictures[0]?.drawn || []).map((_, at) => html`<th key=${at} scope="col">epoch ${at + 1}</th>`)}</tr></thead>
      <tbody>${found.pictures.map((one) => html`<tr key=${one.key}><th scope="row"><${Name}>${one.label}</${Name}><small><${Name}>${one.key.split("/").pop()}</${Name}></small></th>
        <td><img alt="the file" src=${pictureOf(folder, one.key)} /></td><td><${Given} png=${one.plain} what="as it is measured by" /></td>
        ${one.drawn.map((png, at) => html`<td key=${at}><${Given} png=${png} what=${`in epoch ${at + 1}`} /></td>`)}</tr>`)}</tbody></table></div>
      <${Command} text=${found.command} />`}`;
}

const Given = ({ png, what }) => html`<img class="pixels" alt=${what} src=${`data:image/png;base64,${png}`} />`;
