// How far the work is that a screen waits for, as the server says it.
import { html, useEffect, useState } from "studio/core.js";
import { thousands } from "studio/format.js";
import { on } from "studio/live.js";
import { Waiting } from "studio/ui.js";

// about: the question ("find.index"); returns what was heard of it last, and what forgets that.
export function useProgress(about) {
  const [far, setFar] = useState(null);
  useEffect(() => on("progress", (facts) => facts.about === about && setFar(facts)), [about]);
  return [far, () => setFar(null)];
}

export const Working = ({ far, children }) => html`<${Waiting} share=${far?.of ? far.done / far.of : null}>${far
  ? `${far.what.slice(0, 1).toUpperCase()}${far.what.slice(1)}${far.of ? `: ${thousands(far.done)} of ${thousands(far.of)}` : ""}` : children}</${Waiting}>`;
