// Which pictures belong together, with words for each group; and the map of all of them.
import { html, useState } from "studio/core.js";
import { address, post } from "studio/api.js";
import { counted } from "studio/format.js";
import { go, link } from "studio/router.js";
import { Command, Failed, Name, Notice, Question, useAnswer } from "studio/ui.js";
import { nameOf, seen } from "./find-search.js";
import { useProgress, Working } from "studio/working.js";

const SHOWN = 12;
const upper = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const groupsOf = (words) => (/^[1-9]\d{0,3}$/.test(words.number || "") ? Number(words.number) : null);

// How many groups: as many as are most separate, or so many.
function HowMany({ number, keep, view }) {
  const [typed, setTyped] = useState(number ?? "");
  const set = (event) => {
    event.preventDefault();
    go("find", { ...keep, view, number: typed || undefined });
  };
  return html`<form class="line" onSubmit=${set}><label class="line">How many groups <input class="find-number" inputmode="numeric" pattern="[1-9][0-9]*" placeholder="by itself" value=${typed} onInput=${(event) => setTyped(event.target.value.trim())} /></label><button>Group them</button></form>`;
}

export function Groups({ folder, words, keep, compared, tabs, other }) {
  const number = groupsOf(words), [far, clear] = useProgress("find.groups");
  const asked = useAnswer((more) => { clear(); return post("/api/find/groups", { folder, number, model: keep.model ?? null }, more); }, [folder, number]);
  const found = asked.value, shown = found?.groups[Number(words.group) - 1];
  const top = html`<${Question} title=${shown ? `What is in group ${words.group}?` : "Which pictures belong together?"}>${shown && !asked.waiting ? html`${upper(shown.words.join(", ") || "no words")}: ${counted(shown.pictures, "picture")}, the most typical first.` : compared}</${Question}>${tabs}`;
  if (asked.error) return html`${top}<${Failed} error=${asked.error} again=${asked.again} /><${HowMany} key=${number} number=${number} keep=${keep} view="groups" />${other}`;
  if (!found || asked.waiting) return html`${top}<${Working} far=${far}>Comparing the pictures with each other.</${Working}>`;
  if (shown) return html`${top}<p><a href=${link("find", { ...keep, view: "groups", number })}>All groups</a></p>
    <${Many} folder=${folder} keep=${keep} paths=${shown.some} />
    ${shown.pictures > shown.some.length && html`<p class="quiet">And ${counted(shown.pictures - shown.some.length, "picture")} more; the command with <code>--links NEW_FOLDER</code> makes a folder of each group.</p>`}<${Command} text=${found.command} />`;
  return html`${top}<${HowMany} key=${number} number=${number} keep=${keep} view="groups" />
    ${found.notes.map((note) => html`<${Notice} key=${note}>${upper(note)}.</${Notice}>`)}
    <ol class="classes find-groups">${found.groups.map((one, at) => html`<li key=${at} class="card"><h2><a href=${link("find", { ...keep, view: "groups", number, group: at + 1 })}>${at + 1}. ${one.words.join(", ") || "No words"}</a></h2>
      <p class="quiet">${counted(one.pictures, "picture")}${one.folders.length > 0 && html`: ${one.folders.map(([name, some], place) => html`${place > 0 && ", "}<${Name}>${name}</${Name}> ${some.toLocaleString("en")}`)}`}</p>
      <${Many} folder=${folder} keep=${keep} paths=${one.some.slice(0, SHOWN)} small /></li>`)}
      ${found.alone.pictures > 0 && html`<li class="card"><h2>In no group</h2><p class="quiet">${counted(found.alone.pictures, "picture")} like nothing else here</p><${Many} folder=${folder} keep=${keep} paths=${found.alone.some.slice(0, SHOWN)} small /></li>`}</ol>
    <p class="quiet">The words are the classes of <${Name}>${found.model}</${Name}> that set a group apart from all others: its guess, out of those it has.</p>${other}
    <${Command} text=${found.command} />`;
}

function Many({ folder, keep, paths, small }) {
  return html`<ul class=${small ? "find-grid small-ones" : "find-grid"}>${paths.map((path) => html`<li key=${path}><a class="find-thumb" title=${path} aria-label=${`Look for what is like ${path}`} href=${link("find", { ...keep, like: JSON.stringify([path]) })}><img loading="lazy" decoding="async" alt="" src=${seen(folder, path)} /></a>
    ${!small && html`<p><${Name}>${nameOf(path)}</${Name}></p>`}</li>`)}</ul>`;
}

export function FoundMap({ folder, words, keep, compared, tabs, other }) {
  const number = groupsOf(words), [far, clear] = useProgress("find.map");
  const asked = useAnswer((more) => { clear(); return post("/api/find/map", { folder, number, model: keep.model ?? null }, more); }, [folder, number]);
  const found = asked.value, page = found && address("/find/map", { name: found.name });
  return html`<${Question} title="How do the pictures lie to each other?">${compared}</${Question}>${tabs}
    <${HowMany} key=${number} number=${number} keep=${keep} view="map" />
    <${Failed} error=${asked.error} again=${asked.again} />
    ${asked.waiting && html`<${Working} far=${far}>Grouping the pictures and laying out the map: half a minute for a thousand of them.</${Working}>`}
    ${found && !asked.waiting && html`${!found.within && html`<${Notice}>Of more than 1,000 pictures the map names each here; the page that the command writes shows the files too, where they lie.</${Notice}>`}
      <iframe class="find-map" title="The map of the pictures" src=${page}></iframe>
      <p><a target="_blank" rel="noopener" href=${page}>Open it in a tab of its own</a></p>`}
    ${other}<${Command} text=${found?.command} />`;
}
