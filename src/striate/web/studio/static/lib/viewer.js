// One picture as large as there is room, with those before and after it.
import { html, useEffect } from "studio/core.js";
import { pictureOf } from "studio/api.js";
import { Dialog, Name } from "studio/ui.js";

export function Viewer({ folder, keys, at, move, close, children }) {
  const key = keys[at];
  useEffect(() => {
    const press = (event) => {
      if (event.key === "ArrowRight" && at + 1 < keys.length) move(at + 1);
      if (event.key === "ArrowLeft" && at > 0) move(at - 1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [at, keys]);
  if (key === undefined) return null;
  return html`<${Dialog} wide title=${key.split("/").pop()} close=${close}><figure class="viewer"><img alt=${key} src=${pictureOf(folder, key, { large: true })} />
    <figcaption><${Name}>${key}</${Name}> <span class="quiet">${at + 1} of ${keys.length}</span></figcaption></figure>
    <div class="actions"><button disabled=${at === 0} onClick=${() => move(at - 1)}>← Before</button><button disabled=${at + 1 >= keys.length} onClick=${() => move(at + 1)}>Next →</button>${children}</div></${Dialog}>`;
}
