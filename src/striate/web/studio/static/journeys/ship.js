// Ship: a run's model for other programs, as a page, with its card, on the Hub and as a server.
import { html, useState } from "studio/core.js";
import { address, get, post } from "studio/api.js";
import { ago, bytes, counted } from "studio/format.js";
import { link } from "studio/router.js";
import { AsCommand, Command, Failed, Field, Name, Notice, Question, useAnswer, Waiting } from "studio/ui.js";
import { useProgress, Working } from "studio/working.js";
import { Programs } from "./ship-programs.js";

const VIEWS = [[undefined, "For other programs", Programs], ["page", "As a page", AsPage], ["card", "Its card", AsCard], ["hub", "On the Hub", Hub], ["serve", "As a server", Serve]];

export default function Ship({ words }) {
  if (!words.run) return html`<${Choose} words=${words} />`;
  return html`<${One} key=${words.run} words=${words} />`;
}

function Choose({ words }) {
  const asked = useAnswer((more) => get("/api/runs", {}, more), []), command = useAnswer((more) => get("/api/ship/runs", {}, more), []);
  const runs = (asked.value?.runs || []).filter((one) => one.state === "finished");
  return html`<${Question} title="Which run is handed on?">Its model goes into a program of yours, a page, the Hugging Face Hub or a server.</${Question}>
    <${Failed} error=${asked.error} again=${asked.again} />
    ${!asked.value && asked.waiting && html`<${Waiting}>Listing the runs.</${Waiting}>`}
    ${asked.value && !runs.length && html`<${Notice} action=${html`<a class="button small" href=${link("train", { folder: words.folder })}>Train one</a>`}>There is no finished run here yet.</${Notice}>`}
    <div class="queue"><ul>${runs.map((one) => html`<li key=${one.name}><a href=${link("ship", { folder: words.folder, run: one.name })}><b><${Name}>${one.name}</${Name}></b><span class="state">${ago(one.written)}</span>
      <span class="quiet">${one.measure} ${one.figure_text}</span></a></li>`)}</ul></div>
    <${Command} text=${command.value?.command} title="The runs, as a command" />`;
}

function One({ words }) {
  const run = words.run, asked = useAnswer((more) => get("/api/ship", { run }, more), [run]), found = asked.value;
  const [, title, View] = VIEWS.find(([view]) => view === words.view) || VIEWS[0];
  const other = link("ship", { folder: words.folder });
  if (asked.error) return html`<${Question} title="Which run is handed on?" /><${Failed} error=${asked.error} again=${asked.again} /><p><a href=${other}>Another run</a></p>`;
  if (!found) return html`<${Waiting}>Looking at what there is of it.</${Waiting}>`;
  return html`<${Question} title=${`Where does ${found.run} go?`}>${found.figure && html`${found.figure} on ${counted(found.pictures, "picture")} (${found.part}). `}Whatever is made lies in <code>${found.folder}</code>. <a href=${other}>Another run</a></${Question}>
    <nav class="tabs" aria-label="Ways to hand it on">${VIEWS.map(([view, name]) => html`<a key=${name} href=${link("ship", { folder: words.folder, run, view })} aria-current=${name === title ? "page" : undefined}>${name}</a>`)}</nav>
    <${View} key=${title} found=${found} again=${asked.again} />`;
}

// What was made, to take away.
export function Files({ found, names, title = "What there is" }) {
  const shown = found.files.filter((one) => !names || names.some((name) => one.name.endsWith(name)));
  if (!shown.length) return null;
  return html`<section><h2>${title}</h2><ul class="ship-files">${shown.map((one) => html`<li key=${one.name}><div><b><${Name}>${one.name}</${Name}></b> <span class="quiet">${bytes(one.bytes)}, ${ago(one.written)}</span><p>${one.means}</p></div>
    ${one.folder ? html`<span class="quiet">a folder, there</span>` : html`<a class="button small" download href=${address("/ship/file", { run: found.run, name: one.name })} aria-label=${`Download ${one.name}`}>Download</a>`}</li>`)}</ul></section>`;
}

// Asking for something to be made: { far, state: { working, made, error }, make }.
export function useMaking(path, about, again) {
  const [state, setState] = useState({}), [far, clear] = useProgress(about);
  const make = (facts) => {
    clear();
    setState({ working: true });
    post(path, facts).then((made) => { setState({ made }); again(); }, (error) => setState({ error }));
  };
  return { far, state, make };
}

function AsPage({ found, again }) {
  const { far, state, make } = useMaking("/api/ship/page", "ship.page", again);
  const [pictures, setPictures] = useState("0"), number = /^\d{1,6}$/.test(pictures.trim()) ? Number(pictures) : 0, wrong = pictures.trim() !== "" && !/^\d{1,6}$/.test(pictures.trim());
  const there = found.files.some((one) => one.name === "model.html");
  return html`<p>One HTML file in which the model runs: drop a picture, draw, use the camera, watch every layer. It needs no connection and no Striate.</p>
    <div class="fields"><${Field} label="Pictures of the run inside" hint="validation pictures to press on, 0 to 100; whoever has the page has them"><input inputmode="numeric" value=${pictures} onInput=${(event) => setPictures(event.target.value)} /></${Field}></div>
    <div class="actions"><button class="primary" disabled=${state.working || wrong} onClick=${() => make({ run: found.run, pictures: number })}>${there ? "Make the page again" : "Make the page"}</button>
      ${there && html`<a class="button" target="_blank" rel="noopener" href=${address("/ship/page", { run: found.run })}>Try it here</a>`}</div>
    ${state.working && html`<${Working} far=${far}>Writing the page; its weights are measured in 16 bits first.</${Working}>`}<${Failed} error=${state.error} />
    ${state.made && html`<p role="status">${state.made.said.slice(0, 1).toUpperCase()}${state.made.said.slice(1)}.</p>`}
    <${Files} found=${found} names=${["model.html"]} title="The page" />
    ${there && html`<p class="quiet">Here it is shut in and has no camera; the file that you download has.</p>`}
    <${Command} text=${`${found.commands.page}${number ? ` --pictures ${number}` : ""}`} />`;
}

function AsCard({ found, again }) {
  const { far, state, make } = useMaking("/api/ship/card", "ship.card", again);
  const [license, setLicense] = useState("");
  return html`<p>What it was trained on, how good it is, where it fails, how to use and repeat it: every figure one that was measured, with its interval.</p>
    <div class="fields"><${License} license=${license} set=${setLicense} /></div>
    <div class="actions"><button class="primary" disabled=${state.working} onClick=${() => make({ run: found.run, license: license.trim() || null })}>${found.card ? "Write the card again" : "Write the card"}</button></div>
    ${state.working && html`<${Working} far=${far}>Writing the card.</${Working}>`}<${Failed} error=${state.error} />
    <${Files} found=${found} names=${["README.md"]} title="The card" />
    ${found.card && html`<pre class="ship-card" tabindex="0" aria-label="The card, as Markdown">${found.card}</pre>`}
    <${Command} text=${`${found.commands.card}${PLAIN.test(license.trim()) ? ` --license ${license.trim()}` : ""}`} />`;
}

const PLAIN = /^[A-Za-z0-9][A-Za-z0-9.+-]*$/;
const License = ({ license, set }) => html`<${Field} label="License" hint="as the Hub spells it, such as apache-2.0; none is said if it is left open"><input value=${license} spellcheck=${false} onInput=${(event) => set(event.target.value)} /></${Field}>`;

function Hub({ found }) {
  const [said, setSaid] = useState({ repository: "", license: "", private: true, report: false });
  const set = (name) => (event) => setSaid({ ...said, [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value });
  const name = said.repository.trim(), whole = name.includes("/") && !name.endsWith("/");
  const asked = useAnswer((more) => (whole ? get("/api/ship/push", { run: found.run, repository: name, license: said.license.trim() || undefined, private: said.private ? 1 : undefined, report: said.report ? 1 : undefined }, more) : Promise.resolve(null)), [JSON.stringify(said)]);
  return html`<p>The model, its ONNX files and its card, as one commit on the Hugging Face Hub. Nothing is sent from this page: the command below does it, with your token. No path of this machine goes along, and no picture unless the report does.</p>
    <div class="fields"><${Field} label="Repository" hint="USER/NAME; it is made where there is none"><input value=${said.repository} placeholder="ada/pets" spellcheck=${false} autocapitalize="none" onInput=${set("repository")} /></${Field}>
      <${License} license=${said.license} set=${(license) => setSaid({ ...said, license })} /></div>
    <div class="ship-checks"><label class="line"><input type="checkbox" checked=${said.private} onChange=${set("private")} /> Private: others do not see it</label>
      <label class="line"><input type="checkbox" checked=${said.report} onChange=${set("report")} /> Send the report too, which shows pictures of the data</label></div>
    <${Failed} error=${asked.error} />
    ${!whole && html`<p class="quiet">Say where it goes, and the command is here.</p>`}
    ${whole && !asked.error && html`<h2>Then</h2><p>Say who you are once, with <code>hf auth login</code> or in <code>HF_TOKEN</code>, and run the command. Whoever may read it asks it with <code>striate predict PICTURE --model hf://${name}</code>.</p>`}
    <${Command} text=${whole && asked.value?.command} title="What sends it" />`;
}

function Serve({ found }) {
  const model = found.run, at = found.address;
  return html`<p>It answers over HTTP, to this machine alone, until Ctrl-C. Start it in a terminal; it goes on when the studio is closed.</p>
    <${Command} text=${found.serve} title="What serves it" />
    <h2>Ask it</h2><p>From a terminal:</p><${AsCommand} text=${`curl -s --data-binary @cat.jpg ${at}/predict`} when=" of curl" />
    <${AsCommand} text=${`striate predict cat.jpg --url ${at}`} when=" of Striate" />
    <p>From Python, with nothing but the standard library:</p>
    <pre class="ship-code" tabindex="0" aria-label="Python that asks it">${`import json, urllib.request

picture = open("cat.jpg", "rb").read()
reply = urllib.request.urlopen("${at}/predict", picture)
print(json.load(reply)["answers"][0]["text"])`}</pre>
    <p><code>${at}/docs</code> says all there is. <code>--port</code> takes another port; for other machines <code>--host</code> wants a token. What it costs and what it refuses: <code>docs/serving.md</code>.</p>
    <p class="quiet">${counted(found.files.length, "file")} of <${Name}>${model}</${Name}> ${found.files.length === 1 ? "lies" : "lie"} in <code>${found.folder}</code>.</p>`;
}
