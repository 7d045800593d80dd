// Network: a text, surveyed on every keystroke; what does not fit and what would; on to Train by a click.
import { html, useEffect, useMemo, useRef, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { lastPart, thousands } from "studio/format.js";
import { go } from "studio/router.js";
import { Command, Dialog, Failed, Field, Notice, Question, useAnswer, Waiting } from "studio/ui.js";
import { Catalogue, Layers } from "./network-catalogue.js";
import { Parts, Seen, short } from "./network-parts.js";

export default function Network({ words, place }) {
  const folder = words.folder ?? place.folder ?? undefined;
  const asked = useAnswer((more) => get("/api/network/begin", { folder }, more), [folder]);
  if (asked.error) return html`<${Question} title="Which network looks at them?" /><${Failed} error=${asked.error} again=${asked.again} />`;
  if (!asked.value) return html`<${Question} title="Which network looks at them?" /><${Waiting}>Looking at the pictures.</${Waiting}>`;
  return html`<${Bench} key=${folder} folder=${folder} words=${words} first=${asked.value} />`;
}

function Bench({ folder, words, first }) {
  const [said, setSaid] = useState({ net: words.net ?? first.net, input: words.input ?? first.input,
    classes: words.classes ?? String(first.classes), floor: words.floor === "1" });
  const [before, setBefore] = useState([]);
  const [open, setOpen] = useState(false);
  const [part, setPart] = useState(null);
  const text = useRef();
  const change = (more) => setSaid((now) => ({ ...now, ...more }));
  const replace = (more) => { // what is taken by a click can be taken back
    setBefore((all) => [...all, said]);
    change(more);
    text.current?.focus();
  };
  const bench = { net: said.net, input: said.input.trim(), classes: /^\d+$/.test(said.classes.trim()) ? Number(said.classes) : null, floor: said.floor, folder: folder ?? null };
  const mark = JSON.stringify(bench);
  const asked = useAnswer((more) => post("/api/network/survey", bench, more), [mark]);
  const last = useRef(null);
  if (asked.value) last.current = asked.value;
  const found = last.current;
  useEffect(() => { // two tabs, a reload and the way back know what is on the bench
    const wait = setTimeout(() => go("network", { folder: words.folder, net: said.net, input: said.input, classes: said.classes, floor: said.floor ? 1 : undefined }, { instead: true }), 500);
    return () => clearTimeout(wait);
  }, [mark]);
  const insert = (keyword) => {
    const field = text.current, at = field.selectionEnd, left = said.net.slice(0, at).trimEnd(), right = said.net.slice(at).trimStart();
    const joined = `${left}${!left || /(>>|[(+|*:])$/.test(left) ? "" : " >>"} ${keyword} `.trimStart();
    replace({ net: `${joined}${right}` });
    setTimeout(() => field.setSelectionRange(joined.length, joined.length));
  };
  const wrong = found?.wrong, fits = found?.survey && !wrong;
  const train = () => {
    const [, height, width] = said.input.split(/[x×]/i).map((each) => each.trim());
    const usual = said.input.trim() === first.input;
    go("train", { folder, net: said.net.trim(), size: usual ? undefined : `${height}x${width}`, fit: said.floor ? "floor" : undefined });
  };
  return html`<${Question} title=${folder ? `Which network looks at ${lastPart(folder)}?` : "Which network looks at them?"}>Take one of the
      catalogue, or write your own, layer by layer. Shapes, what each position sees and what it costs are worked out while you type.</${Question}>
    <${Notice}>${first.why}</${Notice}>
    <div class="bench"><section class="stack" aria-label="The network">
      <div class="field"><label for="net"><span>Network</span></label>
        <textarea id="net" ref=${text} rows=${Math.min(16, Math.max(4, Math.ceil(said.net.length / 52)))} spellcheck=${false} autocapitalize="off" aria-describedby="net-says"
          aria-invalid=${wrong ? "true" : undefined} value=${said.net} onInput=${(event) => change({ net: event.target.value })}></textarea></div>
      <div class="actions tight"><button class="small" onClick=${() => setOpen(true)}>Catalogue</button>
        ${fits && /^[\w-]+$/.test(said.net.trim()) && found.survey.net !== said.net.trim() && html`<button class="small" onClick=${() => replace({ net: found.survey.net.replaceAll(" >> ", "\n>> ") })}>Write it out</button>`}
        <button class="small" disabled=${!before.length} onClick=${() => { setSaid(before.at(-1)); setBefore(before.slice(0, -1)); }}>Take back</button></div>
      <div id="net-says" aria-live="polite">${wrong && html`<${Wrong} wrong=${wrong} take=${(one) => replace(one)} />`}</div>
      <div class="fields tight"><${Field} label="Input" hint="channels x height x width, in pixels"><input value=${said.input} spellcheck=${false} onInput=${(event) => change({ input: event.target.value })} /></${Field}>
        <${Field} label="Outputs" hint=${first.names.length ? first.names.slice(0, 4).join(", ") : "what a dense layer without a number becomes"}>
          <input value=${said.classes} inputmode="numeric" onInput=${(event) => change({ classes: event.target.value })} /></${Field}></div>
      <label class="check"><input type="checkbox" checked=${said.floor} onChange=${(event) => change({ floor: event.target.checked })} /> Take it though it never sees some pixels</label>
      <div class="actions tight"><button class="primary" disabled=${!fits || !folder} onClick=${train}>Train it${folder ? ` on ${lastPart(folder)}` : ""}</button>
        ${!folder && html`<a class="button" href="#/pictures?view=choose">Choose pictures first</a>`}</div>
      <details><summary>Layers and how they are written</summary><${Layers} take=${insert} /></details></section>
    <section class="stack" aria-label="What it comes to">
      <${Failed} error=${asked.error} again=${asked.again} />
      ${found?.survey && html`<${Totals} found=${found} /><${Views} found=${found} bench=${bench} mark=${mark} fits=${fits} first=${first} folder=${folder} part=${part} />`}</section></div>
    ${found?.survey && html`<${Parts} survey=${found.survey} whole=${fits} part=${part} choose=${setPart} />`}
    <${Command} text=${found?.command} />
    ${open && html`<${Dialog} title="The catalogue" wide close=${() => setOpen(false)}><${Catalogue} take=${(one, own) => {
      setOpen(false);
      replace({ net: one.name, ...(own ? { input: one.input.join("x"), classes: String(one.classes) } : {}) });
    }} /></${Dialog}>`}`;
}

function Wrong({ wrong, take }) {
  return html`<div class="notice error stack"><div>${wrong.why}</div>
    ${wrong.where && html`<pre>${wrong.where}</pre>`}
    ${wrong.fits.length > 0 && html`<div><b>What fits:</b><div class="actions tight">${wrong.fits.map((one) => html`<button class="small" key=${one.text}
      onClick=${() => take({ net: one.net, input: one.input, floor: one.floor })}>${one.text}</button>`)}</div></div>`}</div>`;
}

function Totals({ found }) {
  const { survey, milliseconds } = found;
  const field = survey.field;
  return html`<ul class="figures"><li><b>${short(survey.parameters)}</b><span>parameters${survey.fixed ? `, ${thousands(survey.fixed)} fixed` : ""}</span></li>
    <li><b>${short(survey.macs)}</b><span>multiply-accumulates a picture (MACs)</span></li>
    <li><b>${short(survey.memory_bytes)}B</b><span>of maps a picture, in float32</span></li>
    <li><b>${survey.output ?? "–"}</b><span>comes out${survey.output && field ? ` and sees ${field.jump.every((one) => !one) ? "the whole picture" : field.size.join(" × ")}` : ""}</span></li></ul>
    ${survey.unseen && html`<p class="quiet">Never seen: ${survey.unseen}.</p>`}
    <p class="quiet small-print">Worked out in ${milliseconds < 1 ? "under 1" : Math.round(milliseconds)} ms.</p>`;
}

function Views({ found, bench, mark, fits, first, folder, part }) {
  const [view, setView] = useState("blocks");
  useEffect(() => { if (part !== null) setView("field"); }, [part]);
  return html`<div class="views" role="group" aria-label="Drawn">${[["blocks", "Blocks"], ["field", "What a position sees"]].map(([name, title]) => html`<button class="small" key=${name}
      aria-pressed=${view === name ? "true" : "false"} onClick=${() => setView(name)}>${title}</button>`)}</div>
    ${view === "blocks" ? html`<${Blocks} bench=${bench} mark=${mark} fits=${fits} />` : html`<${Seen} survey=${found.survey} part=${part} samples=${first.samples} folder=${folder} />`}`;
}

// The drawing is asked for when the typing rests, and the last one stays while a text does not fit.
function Blocks({ bench, mark, fits }) {
  const [drawn, setDrawn] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!fits) return undefined;
    const stop = new AbortController();
    const wait = setTimeout(async () => {
      try {
        const reply = await fetch("/api/network/diagram", { method: "POST", signal: stop.signal, headers: { "content-type": "application/json" }, body: JSON.stringify(bench) });
        if (!reply.ok) throw new Error((await reply.json()).error);
        const address = URL.createObjectURL(await reply.blob());
        setDrawn((old) => { if (old) URL.revokeObjectURL(old); return address; });
        setError(null);
      } catch (found) {
        if (found.name !== "AbortError") setError(found);
      }
    }, 120);
    return () => { clearTimeout(wait); stop.abort(); };
  }, [mark, fits]);
  const style = useMemo(() => (fits ? undefined : { opacity: 0.45 }), [fits]);
  return html`<${Failed} error=${error} />${drawn && html`<div class="blocks" tabindex="0" role="group" aria-label="The blocks of the network"><img src=${drawn} style=${style} alt="The network as a drawing: its layers as boxes, joined by what flows between them." /></div>`}
    ${!drawn && !error && html`<p class="quiet">${fits ? "Drawing." : "It is drawn once it fits."}</p>`}`;
}
