// Parts that every screen is put together from.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { connected } from "studio/live.js";

// The one question of a screen, and in a sentence what it is about.
export function Question({ title, children }) {
  const heading = useRef();
  useEffect(() => { document.title = `${title} – Striate studio`; }, [title]);
  return html`<header class="asks"><h1 ref=${heading} tabindex="-1" data-question>${title}</h1>
    ${children && html`<p class="lead">${children}</p>`}</header>`;
}

// The command that does what the screen does, to copy.
export function Command({ text, title = "The same as a command" }) {
  const [copied, setCopied] = useState(false);
  if (!text) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1600);
  };
  return html`<aside class="command" aria-label=${title}><span class="command-title">${title}</span>
    <code>${text}</code><button class="small" onClick=${copy}>${copied ? "Copied" : "Copy"}</button></aside>`;
}

// The same in a line of small print, for a part of a screen.
export const AsCommand = ({ text, when }) => text && html`<p class="quiet small-print">As a command${when}: <code>${text}</code></p>`;

export function Notice({ kind = "note", children, action }) {
  if (!children) return null;
  return html`<div class=${`notice ${kind === "error" ? "error" : ""}`} role=${kind === "error" ? "alert" : "status"}><div>${children}</div>${action}</div>`;
}

export const Failed = ({ error, again }) => error && html`<${Notice} kind="error"
  action=${again && html`<button class="small" onClick=${again}>Try again</button>`}>${error.message || String(error)}</${Notice}>`;

// How far something is: share 0 to 1, or null where nobody knows.
export function Progress({ share, label }) {
  const known = share !== null && share !== undefined;
  return html`<div class="progress" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${known ? Math.round(100 * share) : undefined}><i class=${known ? "" : "unknown"}
    style=${known ? { width: `${100 * Math.min(1, share)}%` } : undefined}></i></div>`;
}

export const Waiting = ({ children, share = null }) => html`<div class="waiting" role="status"><p>${children}</p>
  <${Progress} share=${share} label=${typeof children === "string" ? children : "Waiting"} /></div>`;

export function Field({ label, hint, children }) {
  return html`<label class="field"><span>${label}</span>${children}${hint && html`<small>${hint}</small>`}</label>`;
}

// What may be wider than the window, such as a table: it scrolls by itself, by the keyboard too.
export const Wide = ({ label, children }) => html`<div class="wide" tabindex="0" role="region" aria-label=${label}>${children}</div>`;

// Names that people gave: by themselves, so that no script turns around what stands beside them.
export const Name = ({ children }) => html`<bdi>${children}</bdi>`;

// What is asked of the server when a screen is shown, or when `marks` change: { value, error, waiting, again }.
export function useAnswer(ask, marks) {
  const [state, setState] = useState({ waiting: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState((before) => ({ value: before.value, waiting: true }));
    ask({ signal: stop.signal }).then(
      (value) => { if (!stop.signal.aborted) setState({ value, waiting: false }); },
      (error) => { if (!stop.signal.aborted) setState({ error, waiting: false }); },
    );
    return () => stop.abort();
  }, [...marks, turn]);
  const there = connected.value;
  useEffect(() => {  // what was asked while the studio was away is asked again when it is back
    if (there && state.error?.status === 0) setTurn((before) => before + 1);
  }, [there]);
  return { ...state, again: () => setTurn((before) => before + 1) };
}

// Something asked in a window of its own; Escape and a click outside it close it.
export function Dialog({ title, close, children, wide }) {
  const own = useRef();
  useEffect(() => {
    own.current.showModal();
    return () => own.current?.close();
  }, []);
  return html`<dialog ref=${own} class=${wide ? "wide-dialog" : ""} aria-label=${title} onClose=${close}
    onClick=${(event) => event.target === own.current && close()}>
    <div class="dialog"><header><h2>${title}</h2><button class="small" onClick=${close}>Close</button></header>${children}</div></dialog>`;
}
