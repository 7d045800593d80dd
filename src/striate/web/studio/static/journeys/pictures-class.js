// All pictures of one class, however many: some are chosen, and something is decided about them.
import { html, useEffect, useState } from "studio/core.js";
import { get } from "studio/api.js";
import { decide, drop, relabel, said } from "studio/decide.js";
import { counted } from "studio/format.js";
import { Grid } from "studio/grid.js";
import { link } from "studio/router.js";
import { Failed, Name, Waiting } from "studio/ui.js";
import { Viewer } from "studio/viewer.js";

const PIECE = 5000;

// The keys of a class, a piece after the other.
function useKeys(folder, name, turn) {
  const [state, setState] = useState({ keys: [], of: null });
  useEffect(() => {
    const stop = new AbortController();
    (async () => {
      let keys = [];
      try {
        for (;;) {
          const piece = await get("/api/pictures/keys", { folder, class: name, from: keys.length, most: PIECE }, { signal: stop.signal });
          keys = [...keys, ...piece.keys];
          setState({ keys, of: piece.of });
          if (!piece.keys.length || keys.length >= piece.of) return;
        }
      } catch (error) {
        if (error.name !== "AbortError") setState({ keys, of: keys.length, error });
      }
    })();
    return () => stop.abort();
  }, [folder, name, turn]);
  return state;
}

export default function OneClass({ folder, found, words, again }) {
  const name = words.class;
  const [turn, setTurn] = useState(0);
  const { keys, of, error } = useKeys(folder, name, turn);
  const [chosen, setChosen] = useState(new Set());
  const [open, setOpen] = useState(null);
  const others = found.names.filter((one) => one !== name);
  const after = () => { setChosen(new Set()); setTurn((before) => before + 1); again(); };
  const act = (pictures, decisions, what) => decide(folder, decisions, { text: said(pictures, what), then: after, back: decisions[0].kind === "same_group" ? null : [relabel(pictures, name)] });
  const actions = (pictures) => html`
    ${others.length > 0 && html`<label class="line">It is <select aria-label="The class they are given" value="" onChange=${(event) => event.target.value && act(pictures, [relabel(pictures, event.target.value)], `now ${event.target.value}`)}>
      <option value="">another class …</option>${others.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>`}
    <button onClick=${() => act(pictures, [drop(pictures)], "left out")}>Leave out</button>`;
  return html`<p><a href=${link("pictures", { folder })}>All classes</a> <span class="quiet">· Click to choose, Shift and click for all between, a double click or Enter for a large view.</span></p>
    <${Failed} error=${error} />
    ${of === null ? html`<${Waiting}>Listing the pictures.</${Waiting}>` : !keys.length ? html`<p>No picture has this class now.</p>`
      : html`<${Grid} folder=${folder} keys=${keys} chosen=${chosen} choose=${setChosen} open=${setOpen} label=${`Pictures of ${name}`} />`}
    ${chosen.size > 0 && html`<div class="chosen-bar" role="region" aria-label="What is chosen"><b>${counted(chosen.size, "picture")} chosen</b>
      ${found.can_decide && html`${actions([...chosen])}${chosen.size > 1 && html`<button onClick=${() => act([...chosen], [{ kind: "same_group", pictures: [...chosen], word: "" }], "kept on one side of every split")}>Keep together</button>`}`}
      <button class="small" onClick=${() => setChosen(new Set())}>Choose none</button></div>`}
    ${open !== null && html`<${Viewer} folder=${folder} keys=${keys} at=${open} move=${setOpen} close=${() => setOpen(null)}>${found.can_decide && actions([keys[open]])}</${Viewer}>`}
    ${!found.can_decide && html`<p class="quiet">These pictures come from no folder of classes: there is nothing to decide about them here. <${Name}>${folder}</${Name}></p>`}`;
}
