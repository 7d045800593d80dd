// What a person decides about pictures: kept at once, told in a line that offers to take it back.
import { html, signal, useEffect } from "studio/core.js";
import { post } from "studio/api.js";
import { counted } from "studio/format.js";

const told = signal(null); // { text, undo, error }
let timer = null;

export function tell(facts) {
  clearTimeout(timer);
  told.value = facts;
  if (!facts.error) timer = setTimeout(() => (told.value = null), 12000);
}

// decisions: [{ kind: "relabel" | "drop" | "same_group" | "ignore", pictures: [key], word }]; `back` undoes them.
export async function decide(folder, decisions, { text, back, then }) {
  try {
    const kept = await post("/api/pictures/decide", { folder, decisions });
    tell({ text, undo: back && (() => decide(folder, back, { text: "Taken back.", then })) });
    then?.(kept);
    return kept;
  } catch (error) {
    tell({ text: error.message, error: true });
    return null;
  }
}

export const relabel = (pictures, word) => ({ kind: "relabel", pictures, word });
export const drop = (pictures) => ({ kind: "drop", pictures });
export const said = (pictures, what) => `${counted(pictures.length, "picture")} ${what}`;

export function Told() {
  useEffect(() => () => clearTimeout(timer), []);
  const now = told.value;
  return html`<div class="told-line" role="status" aria-live="polite">${now && html`<div class=${now.error ? "toast error" : "toast"}><span>${now.text}</span>
    ${now.undo && html`<button class="small" onClick=${() => { told.value = null; now.undo(); }}>Take it back</button>`}
    <button class="small" onClick=${() => (told.value = null)} aria-label="Close this line">✕</button></div>`}</div>`;
}
