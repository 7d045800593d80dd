// Where the page is: #/journey?name=value. One signal; links are plain links.
import { signal } from "studio/core.js";

function read() {
  const [path, words = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { journey: decodeURIComponent(path), words: Object.fromEntries(new URLSearchParams(words)) };
}

export const route = signal(read());
addEventListener("hashchange", () => { if (location.hash.startsWith("#/") || !location.hash) route.value = read(); });

export function link(journey, words = {}) {
  const said = new URLSearchParams(Object.entries(words).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return `#/${journey}${said.size ? `?${said}` : ""}`;
}

export function go(journey, words = {}, { instead = false } = {}) {
  const to = link(journey, words);
  if (instead) {
    history.replaceState(null, "", to);
    route.value = read();
  } else location.hash = to;
}
