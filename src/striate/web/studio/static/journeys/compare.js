// Compare: the runs there are, however many; two of them picture by picture; another name, a note, an end for one.
import { html, useEffect, useState } from "studio/core.js";
import { get, post } from "studio/api.js";
import { ago, bytes, counted, thousands } from "studio/format.js";
import { go, link } from "studio/router.js";
import { AsCommand, Command, Dialog, Failed, Field, Name, Notice, Question, useAnswer, Waiting, Wide } from "studio/ui.js";

const PIECE = 100;

export default function Compare({ words }) {
  return words.a && words.b ? html`<${Both} key=${`${words.a}\n${words.b}`} a=${words.a} b=${words.b} words=${words} />` : html`<${Runs} words=${words} />`;
}

function Runs({ words }) {
  const [typed, setTyped] = useState(words.named || ""), [state, setState] = useState({}), [turn, setTurn] = useState(0);
  const [chosen, setChosen] = useState(words.a ? [words.a] : []), [open, setOpen] = useState(null);
  const more = (begin, signal) => get("/api/runs", { named: typed, begin, most: PIECE }, { signal }).then(
    (found) => setState((before) => ({ of: found.of, runs: begin ? [...before.runs, ...found.runs] : found.runs })), (error) => error.name !== "AbortError" && setState({ error }));
  useEffect(() => {
    const stop = new AbortController(), wait = setTimeout(() => more(0, stop.signal), typed ? 150 : 0);
    return () => { clearTimeout(wait); stop.abort(); };
  }, [typed, turn]);
  const toggle = (name) => setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name].slice(-2));
  const done = (name, next) => { setOpen(null); setChosen(chosen.filter((one) => one !== name)); setTurn(turn + 1); if (next) setOpen(next); };
  const { runs, of, error } = state;
  return html`<${Question} title="Which run is better?">Choose two that are done. They are asked about the pictures that neither has learnt from, and the difference is said to be real or noise.</${Question}>
    <div class="line"><label class="hidden" for="run-named">Runs whose name has</label><input id="run-named" type="search" placeholder="name of a run" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
      <button class="primary" disabled=${chosen.length !== 2} onClick=${() => go("compare", { folder: words.folder, a: chosen[0], b: chosen[1] })}>${chosen.length === 2 ? html`Compare <${Name}>${chosen[0]}</${Name}> and <${Name}>${chosen[1]}</${Name}>` : "Choose two runs"}</button></div>
    <${Failed} error=${error} again=${() => setTurn(turn + 1)} />
    ${!runs && !error && html`<${Waiting}>Listing the runs.</${Waiting}>`}
    ${runs && !of && html`<p>${typed ? "No run has such a name." : html`There is no run yet. <a href=${link("train", { folder: words.folder })}>Train one</a>, and come back.`}</p>`}
    ${runs?.length > 0 && html`<p class="quiet" role="status">${counted(of, "run")}, the newest first.</p><${Wide} label="Runs"><table class="run-list"><thead><tr><th scope="col">run</th><th scope="col">came to</th><th scope="col">on</th><th scope="col">pictures of</th><th scope="col">net</th><th scope="col">when</th><th scope="col">size</th><th scope="col">more</th></tr></thead>
      <tbody>${runs.map((one) => html`<tr key=${one.name}><th scope="row"><label><input type="checkbox" disabled=${one.state !== "finished"} checked=${chosen.includes(one.name)} onChange=${() => toggle(one.name)} aria-label=${`Choose ${one.name}`} /> <a href=${link("judge", { folder: words.folder, run: one.name })}><${Name}>${one.name}</${Name}></a></label>${one.note && html`<small>${one.note}</small>`}</th>
        <td>${one.figure_text ? html`${one.measure} ${one.figure_text.split(" (")[0]}<small>${one.figure_text.split(" (")[1]?.replace(")", "")}</small>` : one.damaged ? "damaged" : one.state}</td><td>${one.pictures ? `${thousands(one.pictures)} ${one.part}` : ""}</td><td><${Name}>${one.source}</${Name}></td><td class="net-text">${one.net}</td>
        <td>${ago(one.written)}</td><td>${bytes(one.bytes)}</td><td><button class="small" aria-label=${`Rename, note or delete ${one.name}`} onClick=${() => setOpen(one)}>…</button></td></tr>`)}</tbody></table></${Wide}>`}
    ${runs?.length < of && html`<p><button onClick=${() => more(runs.length)}>Show more</button></p>`}
    ${open && html`<${Change} key=${open.name} run=${open} close=${() => setOpen(null)} done=${done} />`}
    <${Command} text="striate runs" title="This list as a command" />`;
}

const quoted = (text) => `'${text.replaceAll("'", `'"'"'`)}'`; // as a shell takes it

// Another name, a note, or the end of a run: the last is asked for twice.
function Change({ run, close, done }) {
  const [to, setTo] = useState(run.name), [note, setNote] = useState(run.note), [sure, setSure] = useState(false), [error, setError] = useState(null);
  const ask = (path, facts, after) => post(path, { run: run.name, ...facts }).then(after, setError);
  return html`<${Dialog} title=${run.name} close=${close}><${Failed} error=${error} />
    <form class="stack" onSubmit=${(event) => { event.preventDefault(); ask("/api/compare/rename", { to }, () => done(run.name)); }}><${Field} label="Name"><input value=${to} spellcheck=${false} onInput=${(event) => setTo(event.target.value)} /></${Field}>
      <div><button disabled=${!to.trim() || to === run.name}>Rename</button></div><${AsCommand} text=${`striate runs rename ${run.name} ${to}`} /></form>
    <form class="stack" onSubmit=${(event) => { event.preventDefault(); ask("/api/compare/note", { note }, () => done(run.name)); }}><${Field} label="Note" hint="kept in the run, in note.txt"><textarea rows="3" value=${note} onInput=${(event) => setNote(event.target.value)}></textarea></${Field}>
      <div><button disabled=${note === run.note}>Keep the note</button></div><${AsCommand} text=${`striate runs note ${run.name} ${note.trim() ? quoted(note.trim()) : ""}`} /></form>
    <div class="stack"><h3>Delete</h3><p class="quiet">Its model, history and report go; ${bytes(run.bytes)} are freed. It cannot be taken back.</p>
      <div class="line">${sure ? html`<button class="danger" onClick=${() => ask("/api/compare/remove", { name: run.name }, () => done(run.name))}>Delete <${Name}>${run.name}</${Name}> for good</button><button onClick=${() => setSure(false)}>Keep it</button>` : html`<button onClick=${() => setSure(true)}>Delete …</button>`}</div>
      <${AsCommand} text=${`striate runs remove ${run.name}`} /></div></${Dialog}>`;
}

function Both({ a, b, words }) {
  const asked = useAnswer((more) => post("/api/compare", { a, b }, more), [a, b]), found = asked.value;
  const back = html`<p><a href=${link("compare", { folder: words.folder })}>All runs</a> · <a href=${link("compare", { folder: words.folder, a: b, b: a })}>the other way round</a></p>`;
  const title = `Which is better, ${a} or ${b}?`;
  if (asked.error) return html`<${Question} title=${title} />${back}<${Failed} error=${asked.error} again=${asked.again} />`;
  if (!found) return html`<${Question} title=${title} />${back}<${Waiting}>Asking both about the same pictures.</${Waiting}>`;
  return html`<${Question} title=${title}>Both answered the same ${counted(found.pictures, "picture")}, which neither has learnt from.</${Question}>${back}
    <p class="verdict-line">${found.verdict[0].toUpperCase()}${found.verdict.slice(1)}.</p>
    <${Wide} label="Figures of both"><table><thead><tr>${found.heads.map((one) => html`<th key=${one} scope="col">${one || "figure"}</th>`)}</tr></thead><tbody>${found.rows.map((row, at) => html`<tr key=${at}>${row.map((one, place) => (place ? html`<td key=${place}>${one}</td>` : html`<th key=${place} scope="row">${one}</th>`))}</tr>`)}</tbody></table></${Wide}>
    <p class="quiet">${found.measured}</p>${found.left_out.map((one) => html`<${Notice} key=${one}>${one[0].toUpperCase()}${one.slice(1)}.</${Notice}>`)}
    ${found.apart.map((one) => html`<section key=${one.title}><h2>${one.title}</h2>${one.of ? html`<p class="quiet">${counted(one.of, "picture")}${one.of > one.pictures.length ? `, ${one.pictures.length} of them here` : ""}.</p>
      <ul class="judged">${one.pictures.map((each) => html`<li key=${each.key}><img class="pixels" loading="lazy" alt=${each.key} src=${`data:image/png;base64,${each.png}`} /><p><b>${each.said}</b><small class="quiet"><${Name}>${each.key}</${Name}></small></p></li>`)}</ul>` : html`<p>No picture.</p>`}</section>`)}
    <p class="quiet">How they would do after another training is not said by this: one run is one draw of its seed.</p><${Command} text=${found.command} />`;
}
