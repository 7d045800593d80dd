// The search: by pictures it shall be like, a part of one, and pictures it shall not be like.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { address, get, post, Refused } from "studio/api.js";
import { counted } from "studio/format.js";
import { go } from "studio/router.js";
import { Command, Failed, Name, Notice, Question, useAnswer } from "studio/ui.js";
import { Part } from "./find-part.js";
import { useProgress, Working } from "studio/working.js";

const NUMBERS = [12, 24, 48, 96, 200];
const list = (said) => { try { return JSON.parse(said || "[]").map(String); } catch { return []; } };
const said = (paths) => (paths.length ? JSON.stringify(paths) : undefined);
const upper = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
export const seen = (folder, path, large) => address("/find/picture", { folder, path, large: large ? 1 : undefined });
export const nameOf = (path) => (path.startsWith("/") ? "the picture you gave" : path.split("/").pop());

// What is asked is in the address, so that a reload, a step back and a second tab have it.
function wishOf(words) {
  const like = list(words.like), box = (words.box || "").split(",").map(Number);
  return { like, unlike: list(words.not), box: like.length === 1 && box.length === 4 && box.every(Number.isFinite) ? box : null, parts: words.parts === "1", number: NUMBERS.find((one) => one === Number(words.number)) || 24 };
}

export function Search({ folder, words, keep, compared, tabs, other, command }) {
  const wish = wishOf(words), [error, setError] = useState(null);
  const turn = (change) => {
    const next = { ...wish, ...change };
    if (next.like.join("\n") !== wish.like.join("\n")) next.box = null;
    go("find", { ...keep, like: said(next.like), not: said(next.unlike), box: next.box?.join(","), parts: next.parts ? 1 : undefined, number: next.number === 24 ? undefined : next.number });
  };
  const take = async (file) => {
    setError(null);
    try {
      const reply = await fetch(address("/api/find/dropped", { called: file.name }), { method: "POST", headers: { "content-type": file.type || "image/jpeg" }, body: file });
      const made = await reply.json().catch(() => ({}));
      if (!reply.ok) throw new Refused(reply.status, made.error || `refused (${reply.status})`);
      turn({ like: [made.path] });
    } catch (found) {
      setError(found);
    }
  };
  const drop = (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  };
  const asking = wish.like.length > 0;
  return html`<div onDragOver=${(event) => event.preventDefault()} onDrop=${drop}><${Question} title=${asking ? (wish.box ? "What is like this part?" : wish.like.length > 1 ? "What is like these?" : "What is like this picture?") : "Which picture do you look for?"}>${compared}</${Question}>
    ${tabs}<${Failed} error=${error} />
    ${asking ? html`<${Found} folder=${folder} wish=${wish} keep=${keep} turn=${turn} />` : html`<${Ask} folder=${folder} take=${take} turn=${turn} other=${other} command=${command} />`}</div>`;
}

function Ask({ folder, take, turn, other, command }) {
  const chooser = useRef(), [part, setPart] = useState(""), [settled, setSettled] = useState("");
  useEffect(() => {
    const wait = setTimeout(() => setSettled(part), 300);
    return () => clearTimeout(wait);
  }, [part]);
  const asked = useAnswer((more) => get("/api/find/pictures", { folder, part: settled, most: 60 }, more), [folder, settled]);
  const found = asked.value;
  return html`<div class="drop-here"><p><b>Drop a picture here</b>, or press one below.</p><button onClick=${() => chooser.current.click()}>Choose a picture</button>
      <input ref=${chooser} type="file" class="hidden" tabindex="-1" aria-label="A picture to look for" accept="image/*,.heic,.heif,.avif,.tif,.tiff" onChange=${(event) => { if (event.target.files[0]) take(event.target.files[0]); event.target.value = ""; }} /></div>
    <div class="find-choices">${other}</div>
    <label class="line find-part-of">Only those whose path has <input type="search" value=${part} spellcheck=${false} onInput=${(event) => setPart(event.target.value)} /></label>
    <${Failed} error=${asked.error} again=${asked.again} />
    ${found && html`<p class="quiet" role="status">${found.of > found.paths.length ? `${counted(found.paths.length, "picture")} of ${found.of.toLocaleString("en")}, spread evenly.` : `${counted(found.of, "picture")}.`}</p>
      <ul class="find-grid">${found.paths.map((path) => html`<li key=${path}><button class="thumb-button" title=${path} aria-label=${`Look for what is like ${path}`} onClick=${() => turn({ like: [path] })}><img loading="lazy" decoding="async" alt="" src=${seen(folder, path)} /></button></li>`)}</ul>`}
    <${Command} text=${command} title="The index, as a command" />`;
}

function Found({ folder, wish, keep, turn }) {
  const model = keep.model ?? null, marks = [JSON.stringify([folder, wish, model])], [far, clear] = useProgress("find.search");
  const asked = useAnswer((more) => { clear(); return post("/api/find/search", { folder, ...wish, model }, more); }, marks);
  const found = asked.value, without = (some, one) => some.filter((each) => each !== one);
  return html`<section class="find-asked" aria-label="What is asked with">
      ${wish.like.length === 1 && found && !asked.error ? html`<${Part} key=${wish.like[0]} picture=${seen(folder, wish.like[0], true)} name=${nameOf(wish.like[0])} size=${found.asked[0]} box=${wish.box} choose=${(box) => turn({ box })} />`
        : html`<div class="find-row">${wish.like.map((path) => html`<${One} key=${path} folder=${folder} path=${path} what="Like" away=${wish.like.length > 1 && (() => turn({ like: without(wish.like, path) }))} />`)}</div>`}
      ${wish.unlike.length > 0 && html`<div class="find-row">${wish.unlike.map((path) => html`<${One} key=${path} folder=${folder} path=${path} what="Not like" away=${() => turn({ unlike: without(wish.unlike, path) })} />`)}</div>`}</section>
    <div class="actions"><button onClick=${() => turn({ like: [], unlike: [] })}>Look for another picture</button>
      <label class="line"><input type="checkbox" checked=${wish.parts} onChange=${(event) => turn({ parts: event.target.checked })} /> In parts of pictures too</label>
      <label class="line">Show <select value=${wish.number} onChange=${(event) => turn({ number: Number(event.target.value) })}>${NUMBERS.map((one) => html`<option key=${one}>${one}</option>`)}</select></label></div>
    ${asked.waiting && html`<${Working} far=${far}>${wish.parts ? "Looking in every part of every picture. An index without parts is made again first, which takes as long as it took, and 50 times the room." : "Comparing it with every picture."}</${Working}>`}
    <${Failed} error=${asked.error} again=${asked.again} />
    ${found && !asked.error && html`<div class=${asked.waiting ? "find-old" : ""}>${found.cautions.map((line) => html`<${Notice} key=${line}>${upper(line)}.</${Notice}>`)}
      <h2>${counted(found.found.length, "picture")} of ${found.among.toLocaleString("en")}, the most alike first</h2>
      <ol class="find-grid">${found.found.map((hit) => html`<${Hit} key=${hit.picture} hit=${hit} folder=${folder} wish=${wish} turn=${turn} />`)}</ol>
      <details><summary>What the numbers say</summary><p>The cosine of two pictures' numbers, seen from the middle of all: 1 is the same picture, 0 no more alike than chance.
        Alike is what <${Name}>${found.model}</${Name}> learnt to take for alike: kind, shape and texture, before colours or place. It does not say that two pictures show the same thing.</p></details></div>
      <${Command} text=${found.command} />`}`;
}

function One({ folder, path, what, away }) {
  return html`<figure><img alt=${nameOf(path)} src=${seen(folder, path)} /><figcaption><b>${what}</b> <${Name}>${nameOf(path)}</${Name}>${away && html`<button class="small" aria-label=${`Take ${nameOf(path)} away`} onClick=${away}>Take away</button>`}</figcaption></figure>`;
}

function Hit({ hit, folder, wish, turn }) {
  const path = hit.picture, [width, height] = hit.size, box = hit.box;
  const frame = box && { left: `${(100 * box[0]) / width}%`, top: `${(100 * box[1]) / height}%`, width: `${(100 * (box[2] - box[0])) / width}%`, height: `${(100 * (box[3] - box[1])) / height}%` };
  return html`<li><button class="thumb-button" title=${path} aria-label=${`Look for what is like ${path}`} onClick=${() => turn({ like: [path], unlike: [] })}>
      <span class=${box ? "find-framed" : ""}><img loading="lazy" decoding="async" alt="" src=${seen(folder, path)} />${frame && html`<i style=${frame}></i>`}</span></button>
    <p title=${hit.rare}><b>${hit.cosine.toFixed(2)}</b> <${Name}>${nameOf(path)}</${Name}>${hit.same && html` <span class="level">the same file</span>`}</p>
    ${hit.rare && html`<p class="quiet">${upper(hit.rare)}</p>`}
    <div class="line"><button class="small" aria-label=${`More like ${path}`} onClick=${() => turn({ like: [...wish.like, path] })}>More like</button>
      <button class="small" aria-label=${`Not like ${path}`} onClick=${() => turn({ unlike: [...wish.unlike, path] })}>Not like</button></div></li>`;
}
