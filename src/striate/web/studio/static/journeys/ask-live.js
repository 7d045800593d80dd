// A network that runs in this page: the interpreter of a model's page, in a worker, and every layer's strongest map.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { link } from "studio/router.js";

let shared = null;
const parts = () => (shared ??= import("/api/ask/shared.js"));

// What computes a run's network here: { see(picture) -> { answer, took, small }, stages, draws ... }, or null where none can.
export async function openLive(facts) {
  const tools = await parts();
  tools.readTables(facts.tables);
  const worker = new Worker("/api/ask/engine.js"), waiting = new Map();
  let count = 0;
  worker.onmessage = ({ data: { number, result, error } }) => {
    const { done, failed } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) done(result);
    else failed(new Error(error));
  };
  const ask = (call, args = {}) => new Promise((done, failed) => {
    waiting.set((count += 1), { done, failed });
    worker.postMessage({ number: count, call, args });
  });
  const { program } = facts;
  await ask("open", { program, text: facts.text });
  const stages = tools.stagesOf(program);
  let busy = false, next = null;
  return {
    stages, tools, draws: facts.draws, dark: facts.dark, learnt: program.answer,
    close: () => worker.terminate(),
    // Only the newest counts: one that waits is replaced by the next.
    async see(picture, shown) {
      next = { picture, shown };
      if (busy) return;
      busy = true;
      try {
        while (next) {
          const now = next;
          next = null;
          const { rgba, width, height } = now.picture;
          const { answer, took } = await ask("ask", { rgba, width, height });
          const small = await ask("small", { values: stages.map((stage) => stage.shown) });
          now.shown({ answer, took, small, said: textOf(tools.saidParts(program.answer, answer)), bars: barsOf(program.answer, answer), trust: tools.trustOf(program.answer, answer) });
        }
      } finally {
        busy = false;
      }
    },
  };
}

const textOf = (pieces) => pieces.map((one) => (typeof one === "string" ? one : one.textContent)).join("");
const barsOf = (learnt, answer) => (answer.probabilities ? answer.order.slice(0, 8).map((k) => ({ name: learnt.names[k], share: answer.probabilities[k], cut: learnt.thresholds?.[k] })) : []);

export async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const shrink = Math.min(1, Math.sqrt(16e6 / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.round(bitmap.width * shrink)), height = Math.max(1, Math.round(bitmap.height * shrink));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  return { rgba: context.getImageData(0, 0, width, height).data, width, height };
}

export async function fileOf({ rgba, width, height }, name) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  return new File([await canvas.convertToBlob({ type: "image/png" })], name, { type: "image/png" });
}

// A field to draw in. show(picture) with every stroke.
export function Drawing({ live, show }) {
  const canvas = useRef(), pen = useRef();
  useEffect(() => { pen.current = live.tools.takeDrawing(canvas.current, live.dark, show); }, [live]);
  return html`<canvas ref=${canvas} class="drawing" role="img" aria-label="A field to draw in"></canvas>
    <div class="actions tight"><button class="small" onClick=${() => pen.current.clear()}>Clear</button><button class="small" onClick=${() => pen.current.example()}>Draw an example</button>
      <label class="check"><input type="checkbox" id="centre" defaultChecked /> centre it</label></div>`;
}

// What the camera sees, as fast as the network answers.
export function Film({ show, still }) {
  const video = useRef(), last = useRef(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let stream = null, gone = false;
    const end = () => stream?.getTracks().forEach((track) => track.stop());
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const look = async () => {
      if (gone) return;
      const seen = video.current;
      if (seen?.videoWidth) {
        Object.assign(context.canvas, { width: seen.videoWidth, height: seen.videoHeight });
        context.drawImage(seen, 0, 0);
        last.current = { rgba: context.getImageData(0, 0, seen.videoWidth, seen.videoHeight).data, width: seen.videoWidth, height: seen.videoHeight };
        await show(last.current);
      }
      requestAnimationFrame(look);
    };
    if (!navigator.mediaDevices?.getUserMedia) setError("This browser has no camera.");
    else navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } }).then((found) => {
      stream = found;
      if (gone) return end();
      video.current.srcObject = found;
      return video.current.play().then(look);
    }, (found) => setError(found.name === "NotAllowedError" ? "The browser does not let this page use the camera." : `There is no camera: ${found.message}`));
    return () => { gone = true; end(); };
  }, []);
  return html`${error && html`<p class="caution" role="alert">${error}</p>`}<video ref=${video} class="film" muted playsinline aria-label="What the camera sees"></video>
    <div class="actions tight"><button class="primary" disabled=${Boolean(error)} onClick=${() => last.current && still(last.current)}>Take this one</button></div>`;
}

// Every layer with its strongest map, from the picture to the answer; each leads to where it is looked into.
export function River({ live, small, words }) {
  return html`<div class="river" tabindex="0" role="group" aria-label="Layers from the picture to the answer">${live.stages.map((stage, at) => html`<a key=${stage.name} class="stage"
    href=${link("look", { ...words, part: at ? stage.name : undefined })}><${Stage} live=${live} map=${small?.[at]} /><b>${stage.name.split(".").slice(-2).join(".")}</b><small>${stage.shape.join(" × ")}</small></a>`)}</div>`;
}

function Stage({ live, map }) {
  const canvas = useRef();
  useEffect(() => { if (map) live.tools.drawStage(canvas.current, map); }, [map]);
  return html`<canvas ref=${canvas} class="pixels" width="1" height="1" aria-hidden="true"></canvas>`;
}
