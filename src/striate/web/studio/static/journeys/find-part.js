// A part of a picture: drawn with the mouse or a finger, or written as four edges in its pixels.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { Name } from "studio/ui.js";

const EDGES = ["Left", "Top", "Right", "Bottom"];

export function Part({ picture, name, size, box, choose }) {
  const own = useRef(), begin = useRef(null), [drawn, setDrawn] = useState(null), [typed, setTyped] = useState(null), [refused, setRefused] = useState("");
  const [width, height] = size, shown = drawn || box, text = box ? box.join(",") : "";
  useEffect(() => { setTyped(null); setRefused(""); }, [text]);
  const where = (event) => {
    const seen = own.current.getBoundingClientRect(), within = (value, most) => Math.max(0, Math.min(most, value));
    return [within(((event.clientX - seen.left) / seen.width) * width, width), within(((event.clientY - seen.top) / seen.height) * height, height)];
  };
  const down = (event) => {
    if (event.button) return;
    event.preventDefault();
    own.current.setPointerCapture(event.pointerId);
    begin.current = where(event);
  };
  const move = (event) => {
    if (!begin.current) return;
    const [x, y] = where(event), [from, over] = begin.current;
    setDrawn([Math.min(x, from), Math.min(y, over), Math.max(x, from), Math.max(y, over)]);
  };
  const up = () => {
    const made = drawn && [Math.floor(drawn[0]), Math.floor(drawn[1]), Math.ceil(drawn[2]), Math.ceil(drawn[3])];
    begin.current = null;
    setDrawn(null);
    if (made && made[2] - made[0] > width / 50 && made[3] - made[1] > height / 50) choose(made);
  };
  const edges = typed || box || [0, 0, width, height];
  const write = (event) => {
    event.preventDefault();
    const [left, top, right, bottom] = edges.map(Number);
    if (left >= 0 && top >= 0 && right <= width && bottom <= height && right - left >= 1 && bottom - top >= 1) choose([left, top, right, bottom]);
    else setRefused(`The part has to lie in the picture: ${width} pixels wide, ${height} high.`);
  };
  return html`<div class="find-one"><figure><div ref=${own} class="find-canvas" onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${() => { begin.current = null; setDrawn(null); }}>
      <img alt=${name} src=${picture} draggable=${false} />${shown && html`<i style=${{ left: `${(100 * shown[0]) / width}%`, top: `${(100 * shown[1]) / height}%`, width: `${(100 * (shown[2] - shown[0])) / width}%`, height: `${(100 * (shown[3] - shown[1])) / height}%` }}></i>`}</div>
      <figcaption><b>Like</b> <${Name}>${name}</${Name}>, ${width} × ${height} pixels</figcaption></figure>
    <div><p>${box ? "The framed part is looked for." : "All of it is looked for. Draw a frame on it to look for a part."}</p>
      <details open=${Boolean(typed || refused)}><summary>The part in pixels</summary><form class="find-edges" onSubmit=${write}>${EDGES.map((edge, at) => html`<label key=${edge} class="field"><span>${edge}</span>
        <input inputmode="numeric" value=${edges[at]} onInput=${(event) => setTyped(edges.map((one, place) => (place === at ? event.target.value : one)))} /></label>`)}<button>Look for this part</button></form>
        ${refused && html`<p role="alert">${refused}</p>`}</details>
      ${box && html`<button class="small" onClick=${() => choose(null)}>All of the picture</button>`}</div></div>`;
}
