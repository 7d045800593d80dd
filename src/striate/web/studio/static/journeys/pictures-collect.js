// A folder made here: classes with names, pictures dropped into them, chosen, or taken with the camera.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { address, get, pictureOf, post, Refused } from "studio/api.js";
import { counted, lastPart } from "studio/format.js";
import { link } from "studio/router.js";
import { Failed, Name, Progress, Question, useAnswer, Waiting } from "studio/ui.js";
import { Camera } from "studio/camera.js";

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif", "image/heic", "image/heif"];

async function send(folder, name, file) {
  const reply = await fetch(address("/api/collect/add", { folder, class: name, called: file.name || "camera.jpg" }), { method: "POST", headers: { "content-type": file.type || "image/jpeg" }, body: file });
  if (!reply.ok) throw new Refused(reply.status, (await reply.json().catch(() => ({}))).error || `refused (${reply.status})`);
}

// The files of what was dropped, with the folder each lies in ("" for none): a folder of class folders makes its classes.
async function dropped(transfer) {
  const found = [], entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const walk = async (entry, folder) => {
    if (entry.isFile) return found.push({ file: await new Promise((done, fail) => entry.file(done, fail)), folder });
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return null;
      for (const one of some) await walk(one, entry.name);
    }
  };
  for (const entry of entries) await walk(entry, "");
  return found.filter(({ file }) => file.type.startsWith("image/") || /\.(heic|heif|avif|tiff?)$/i.test(file.name));
}

export default function Collect({ folder }) {
  const asked = useAnswer((more) => get("/api/collect", { folder }, more), [folder]);
  const [names, setNames] = useState([]); // classes that have no picture yet
  const [name, setName] = useState("");
  const [sending, setSending] = useState(null);
  const [errors, setErrors] = useState([]);
  const found = asked.value;
  if (asked.error) return html`<${Question} title="Which pictures?" /><${Failed} error=${asked.error} /><p><a href=${link("pictures", { view: "choose" })}>Choose a folder</a></p>`;
  if (!found) return html`<${Waiting}>Looking at what is there.</${Waiting}>`;
  const there = found.classes.map((one) => one.name);
  const classes = [...found.classes, ...names.filter((one) => !there.includes(one)).map((one) => ({ name: one, keys: [] }))];
  const take = async (files) => { // [{ file, to }]
    const failed = [];
    for (const [at, { file, to }] of files.entries()) {
      setSending({ done: at, of: files.length });
      try {
        await send(folder, to, file);
      } catch (error) {
        failed.push(error.message);
      }
    }
    setSending(null);
    setErrors(failed);
    asked.again();
  };
  const add = (event) => {
    event.preventDefault();
    if (name.trim() && !classes.some((one) => one.name === name.trim())) setNames([...names, name.trim()]);
    setName("");
  };
  const drop = async (event, to) => {
    event.preventDefault();
    event.stopPropagation();
    const files = await dropped(event.dataTransfer);
    take(files.map(({ file, folder: within }) => ({ file, to: to ?? within })).filter((one) => one.to));
  };
  const ready = found.classes.filter((one) => one.keys.length).length > 1;
  return html`<div onDragOver=${(event) => event.preventDefault()} onDrop=${(event) => drop(event, null)}><${Question} title=${`Which pictures are in ${lastPart(folder)}?`}>Two classes or more, ten pictures of each at the least; fifty are better. Drop pictures on a class,
      or whole folders anywhere: each becomes a class.</${Question}>
    ${sending && html`<p role="status">Taking pictures: ${sending.done + 1} of ${sending.of}</p><${Progress} share=${sending.done / sending.of} label="Taking pictures" />`}
    ${errors.length > 0 && html`<${Failed} error=${{ message: `${errors.slice(0, 3).join("; ")}${errors.length > 3 ? `; and ${errors.length - 3} more` : ""}` }} />`}
    <form class="line" onSubmit=${add}><label class="hidden" for="class-name">Name of a class</label><input id="class-name" placeholder="name of a class" value=${name} onInput=${(event) => setName(event.target.value)} /><button disabled=${!name.trim()}>Add the class</button></form>
    <ul class="classes collecting">${classes.map((one) => html`<${One} key=${one.name} one=${one} folder=${folder} take=${take} drop=${drop} again=${asked.again} forget=${() => setNames(names.filter((each) => each !== one.name))} />`)}</ul>
    <div class="actions">${ready ? html`<a class="button primary" href=${link("pictures", { folder })}>These are my pictures</a>` : html`<button class="primary" disabled>Two classes with pictures are needed</button>`}
      <a class="button" href=${link("pictures", { view: "choose" })}>Another folder</a></div></div>`;
}

function One({ one, folder, take, drop, again, forget }) {
  const [over, setOver] = useState(false);
  const [camera, setCamera] = useState(false);
  const chooser = useRef();
  useEffect(() => () => setCamera(false), []);
  const remove = async (key) => { await post("/api/collect/remove", { folder, name: one.name, key }); again(); };
  return html`<li class=${over ? "card over" : "card"} onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${(event) => { setOver(false); drop(event, one.name); }}>
    <h2><${Name}>${one.name}</${Name}></h2><p class="quiet">${one.keys.length ? counted(one.keys.length, "picture") : "Drop pictures here"}</p>
    <div class="line"><button class="small" onClick=${() => chooser.current.click()}>Choose pictures</button><button class="small" aria-pressed=${camera} onClick=${() => setCamera(!camera)}>Camera</button>
      <button class="small" onClick=${() => (one.keys.length ? confirm(`Remove ${one.name} and its pictures?`) && remove(null) : forget())}>Remove</button></div>
    <input ref=${chooser} type="file" class="hidden" tabindex="-1" aria-label=${`Pictures of ${one.name}`} multiple accept=${TYPES.join(",")} onChange=${(event) => { take([...event.target.files].map((file) => ({ file, to: one.name }))); event.target.value = ""; }} />
    ${camera && html`<${Camera} take=${(file) => take([{ file, to: one.name }])} />`}
    <div class="thumbs">${one.keys.slice(-24).reverse().map((key) => html`<button key=${key} class="thumb-button" title="Take it out again" aria-label=${`Take ${key} out again`} onClick=${() => remove(key)}><img alt="" src=${pictureOf(folder, key)} /></button>`)}</div></li>`;
}
