// Pictures that are given to be looked at: dropped anywhere, opened, pasted, or one of a folder's.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { address, get, pictureOf, post, Refused } from "studio/api.js";
import { Failed, useAnswer } from "studio/ui.js";

export const givenPicture = (picture, { whole } = {}) => address("/given", { picture, whole: whole ? 1 : undefined });

export async function give(file) {
  let reply;
  try {
    reply = await fetch(address("/api/given", { name: file.name || "picture.png" }), { method: "POST", headers: { "content-type": file.type.startsWith("image/") ? file.type : "image/x" }, body: file });
  } catch {
    throw new Refused(0, "The studio does not answer. Is striate studio still running in its terminal?");
  }
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(reply.status, said.error || `refused (${reply.status})`);
  return said;
}

// take({ picture, name, size }) is called with what was given.
export function Give({ run, take, children }) {
  const input = useRef();
  const [error, setError] = useState(null);
  const [over, setOver] = useState(false);
  const some = useAnswer((more) => get("/api/ask/samples", { run }, more), [run]);
  const open = async (file) => {
    if (!file) return;
    try {
      setError(null);
      take(await give(file));
    } catch (found) {
      setError(found);
    }
  };
  useEffect(() => {
    const dragged = (event) => { event.preventDefault(); setOver(true); };
    const left = (event) => event.relatedTarget === null && setOver(false);
    const dropped = (event) => { event.preventDefault(); setOver(false); open(event.dataTransfer.files[0]); };
    const pasted = (event) => event.clipboardData?.files.length && open(event.clipboardData.files[0]);
    const heard = { dragover: dragged, dragleave: left, drop: dropped, paste: pasted };
    for (const [kind, does] of Object.entries(heard)) addEventListener(kind, does);
    return () => { for (const [kind, does] of Object.entries(heard)) removeEventListener(kind, does); };
  }, [run]);
  const pick = async (key) => {
    try {
      setError(null);
      take(await post("/api/given/take", { folder: some.value.folder, key }));
    } catch (found) {
      setError(found);
    }
  };
  return html`<div class=${over ? "give over" : "give"}><div class="actions tight"><button onClick=${() => input.current.click()}>Open a picture</button>${children}</div>
    <input ref=${input} class="hidden" type="file" accept="image/*,.heic,.heif,.avif,.tif,.tiff" tabindex="-1" aria-label="A picture" onChange=${(event) => { open(event.target.files[0]); event.target.value = ""; }} />
    <p class="quiet small-print">Or drop one anywhere here, or paste one.</p><${Failed} error=${error} />
    ${some.value?.keys.length > 0 && html`<p class="quiet small-print">${some.value.part === "train" ? "Pictures that it learnt from:" : "Pictures that it did not learn from:"}</p>
      <div class="samples-given">${some.value.keys.map((key) => html`<button key=${key} class="picture-button" title=${key} onClick=${() => pick(key)}><img loading="lazy" alt=${key} src=${pictureOf(some.value.folder, key)} /></button>`)}</div>`}</div>`;
}

// The runs that have a model, and which of them is asked.
export function useRuns() {
  const asked = useAnswer((more) => get("/api/runs", {}, more), []);
  return { ...asked, runs: (asked.value?.runs || []).filter((one) => one.state === "finished" && !one.damaged) };
}

export function RunField({ runs, run, choose, label = "Who is asked" }) {
  return html`<label class="field run-field"><span>${label}</span><select value=${run} onChange=${(event) => choose(event.target.value)}>
    ${runs.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}${one.figure_text ? `: ${one.measure} ${one.figure_text}` : ""}</option>`)}</select></label>`;
}
