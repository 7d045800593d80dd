// What is live: one stream a tab. on(kind, heard) returns what ends the listening; kinds are those the server says.
import { signal } from "studio/core.js";
import { get } from "studio/api.js";

const hearers = new Map();
export const connected = signal(true);
export const trainings = signal([]); // in brief, the latest first
let source = null;
let away = null;

export function on(kind, heard) {
  if (!hearers.has(kind)) hearers.set(kind, new Set());
  hearers.get(kind).add(heard);
  return () => hearers.get(kind).delete(heard);
}

function tell(kind, facts) {
  for (const heard of hearers.get(kind) || []) heard(facts);
}

function changed(now) {
  trainings.value = trainings.value.map((one) => (one.id === now.id ? now : one));
}

// The server says "again" to a tab that missed something: whoever shows something asks for all of it anew.
async function again() {
  try {
    trainings.value = (await get("/api/train/queue")).trainings;
  } catch { /* said by whoever asks next */ }
  tell("again", {});
}

export function listen() {
  source = new EventSource("/api/live");
  source.onopen = () => {
    clearTimeout(away);
    away = null;
    connected.value = true;
  };
  source.onerror = () => {
    away ??= setTimeout(() => (connected.value = false), 1500); // a blink is not worth a word; every try comes here
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000); // refused, or not there: later again
  };
  const hear = (kind, take) => source.addEventListener(kind, (event) => {
    const facts = JSON.parse(event.data);
    take?.(facts);
    tell(kind, facts);
  });
  hear("trainings", (facts) => (trainings.value = facts.trainings));
  hear("training", (facts) => changed(facts.now));
  hear("progress");
  source.addEventListener("again", again);
}
