"use strict";
// The page: asks the worker, and shows what comes back. Everything a person chose is in `chosen`.

const { facts } = home;
const { program } = facts;
const learnt = program.answer;
const chosen = { stage: 1, step: 0, all: false, k: null, focus: null, place: null };
const shown = { pixels: null, answer: null, map: null, at: null, picture: null };

/** Show a sentence about what went wrong; nothing takes it away. */
function trouble(text) {
  const box = byId("trouble");
  box.textContent = text ?? "";
  box.hidden = !text;
}

const ask = askWorker();
const stages = stagesOf(program);
const operations = Object.fromEntries(program.operations.map((operation) => [operation.id, operation]));
let river, sheet, stopCamera = () => {};

/** Only the newest picture counts: while one is computed, the next waits, and replaces one that waits already. */
const line = { busy: false, next: null };

function see(picture, isLive = false) {
  line.next = { picture, isLive };
  if (!line.busy) work();
}

async function work() {
  line.busy = true;
  while (line.next) {
    const { picture, isLive } = line.next;
    line.next = null;
    try {
      const { answer, pixels, took } = await ask("ask", picture);
      Object.assign(shown, { answer, pixels, picture });
      drawPicture();
      const best = learnt.kind === "numbers" ? 0 : answer.order[0];
      chosen.k = best;
      showAnswer(learnt, answer, took, best, explainOutput);
      byId("trust").textContent = trustOf(learnt, answer);
      home.told("answer", byName(learnt, answer));
      home.box.dataset.answered = String(Number(home.box.dataset.answered ?? 0) + 1);
      home.box.dataset.took = String(took);
      if (line.next) continue; // a newer picture is here: its answer first
      river.update(await ask("small", { values: stages.map((stage) => stage.shown) }));
      await showStage();
      if (isLive) awaitStill();
      else if (!line.next) explainOutput(best);
    } catch (error) {
      trouble(`The network could not answer: ${error.message}`);
    }
  }
  line.busy = false;
}

/** Draw the input as the network is given it, with the pixels that the chosen number can see framed. */
function drawPicture() {
  const [channels, height, width] = program.input;
  const zoom = Math.max(1, Math.round(280 / Math.max(height, width)));
  const canvas = byId("seen");
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const image = new ImageData(width, height);
  for (let p = 0; p < height * width; p++) {
    for (let c = 0; c < 3; c++) image.data[4 * p + c] = shown.pixels[p * channels + (channels === 1 ? 0 : c)];
    image.data[4 * p + 3] = 255;
  }
  const one = new OffscreenCanvas(width, height);
  one.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(one, 0, 0, canvas.width, canvas.height);
  if (!shown.at) return;
  const box = fieldBox(shown.at.operation, shown.at.row, shown.at.column, program.input);
  frame(context, box.map((edge) => edge * zoom));
  byId("seen-note").textContent = `${height} × ${width} pixels, as the network is given them; framed: the ${box[2] - box[0]} × ${box[3] - box[1]} that the number chosen below can see.`;
}

/** Show the maps of the chosen stage and step. */
async function showStage() {
  const stage = stages[chosen.stage];
  river.mark(chosen.stage);
  const operation = stage.steps[Math.min(chosen.step, stage.steps.length - 1)];
  byId("layer-title").textContent = `What does ${stage.name} put out?`;
  byId("layer-text").textContent = `${operation.text}: ${shapeText(operation.shape)}, from ${operation.reads.map((value) => (value ? operations[value].path : "the input")).join(" and ")}.`;
  byId("steps").replaceChildren(...(stage.steps.length < 2 ? [] : stage.steps.map((step, index) => {
    const button = make("button", { type: "button", ariaPressed: String(step === operation) }, index ? `then ${step.text}` : step.text);
    button.addEventListener("click", () => {
      chosen.step = index;
      showStage();
    });
    return button;
  })));
  const map = await ask("map", { value: operation.id });
  const order = map.shape.length === 3 && map.shape[0] > FEW ? await ask("order", { value: operation.id }) : null;
  if (stages[chosen.stage] !== stage) return;
  shown.map = { operation, map };
  const more = byId("all");
  more.hidden = !order;
  more.textContent = chosen.all ? `Show the ${FEW} that answer most` : `Show all ${map.shape[0]} maps`;
  sheet.show(map, order, chosen.all, chosen.place);
  chosen.place = null;
  showLegend(byId("legend"), sheet.scale, "one scale for all maps of this layer");
  await showFilter(operation);
}

function choose(stage) {
  if (stage === 0) { // the input is seen above
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("picture-title").scrollIntoView({ behavior: reduced ? "auto" : "smooth" });
    return;
  }
  Object.assign(chosen, { stage, step: stages[stage].steps.length - 1, focus: null });
  if (shown.answer) showStage();
}

/** Show how a pixel was made. */
async function explainPixel(channel, row, column) {
  const { operation } = shown.map;
  shown.at = { operation, channel, row, column };
  const at = shown.at;
  const found = await ask("explain", { value: operation.id, channel, row, column, focus: chosen.focus });
  if (shown.at !== at) return;
  showPixel(operation, at, found);
  home.told("number", { part: operation.path, channel, row, column, value: found.value });
  drawPicture();
  const window = found.windows[0];
  byId("window-part").hidden = !window;
  if (!window) return;
  const source = await ask("map", { value: window.value });
  if (shown.at !== at) return;
  drawWindow(byId("window"), source, window);
  const name = window.value ? operations[window.value].path : "the input";
  byId("window-note").textContent = `Where it came from: channel ${window.channel} of ${name}, the window framed.`;
  await showFilter(operation);
}

/** Show the weights of the chosen channel, one small map an input channel. */
async function showFilter(operation) {
  const part = byId("filter");
  const layer = stages[chosen.stage].steps.find((step) => step.weight && step.op === "conv");
  part.hidden = !layer || !shown.at || (layer.kernel[0] === 1 && layer.kernel[1] === 1);
  if (part.hidden) return;
  const channel = shown.at.channel;
  const { shape, data } = await ask("filter", { value: layer.id, channel });
  const scale = scaleOf(data), size = shape[1] * shape[2], few = Math.min(shape[0], FEW);
  byId("filter-title").textContent = `What does filter ${channel} of ${layer.path} look for?`;
  byId("filter-note").textContent = `Its weights for ${few < shape[0] ? `the first ${few} of ` : ""}${shape[0]} input ${shape[0] === 1 ? "channel" : "channels"}: what is bright counts for it where it is red, and against it where it is blue.`;
  byId("filters").replaceChildren(...Array.from({ length: few }, (_, c) => {
    const canvas = make("canvas", { className: "pixels", title: `input channel ${c}` });
    drawValues(canvas, data, c * size, shape[1], shape[2], scale);
    return canvas;
  }));
  byId("filters").setAttribute("aria-label", `weights of filter ${channel}, ${shape[0]} small maps`);
  showLegend(byId("filter-legend"), scale, "weight");
}

/** While pictures follow each other none is explained: take away what explained an earlier one. */
function awaitStill() {
  byId("evidence-title").textContent = "Why?";
  byId("evidence-said").textContent = "Stop the camera, and the picture that it stops at is explained.";
  byId("evidence-note").textContent = "";
  for (const name of ["evidence", "evidence-legend", "evidence-now"]) byId(name).hidden = true;
}

/** Explain output k. */
async function explainOutput(k, forced = false) {
  chosen.k = k;
  byId("evidence-title").replaceChildren("Why ", nameOf(learnt.names[k]), "?");
  byId("evidence-said").textContent = "Looking …";
  byId("evidence-note").textContent = "";
  byId("evidence-now").hidden = true;
  const found = await ask("evidence", { k, forced });
  if (!found || chosen.k !== k) return;
  byId("evidence-now").hidden = found.kind !== "later";
  showEvidence(program, shown.pixels, learnt, k, found);
  home.box.dataset.explained = home.box.dataset.answered;
}

/** Show a picture that a person gave; what the camera sees is then no longer wanted. */
function pictured(picture) {
  stopCamera();
  trouble();
  see(picture);
}

/** Open a part of the network, and at a place [channel, row, column] of its map say how the number was made. */
async function openPart(path, place) {
  const stage = stages.findIndex(({ steps }) => steps.some((one) => one.path === path));
  if (stage < 1) return;
  Object.assign(chosen, { stage, step: stages[stage].steps.findIndex((one) => one.path === path), focus: null, place });
  if (shown.answer) await showStage(); // else the answer to come opens it
}

async function start() {
  readTables(facts.tables);
  river = buildRiver(stages, choose);
  sheet = new MapSheet(byId("maps"), explainPixel);
  byId("all").addEventListener("click", () => {
    chosen.all = !chosen.all;
    showStage();
  });
  byId("evidence-now").addEventListener("click", () => explainOutput(chosen.k, true));
  await ask("open", { program, text: home.tensors });
  stopCamera = takeCamera(see, () => !line.busy, trouble);
  takeFiles(pictured, trouble);
  choose(1);
  if (facts.draws) {
    const drawing = takeDrawing(byId("drawing"), facts.dark, see);
    byId("clear").addEventListener("click", drawing.clear);
    byId("example").addEventListener("click", drawing.example);
    if (!home.first) drawing.example();
  } else {
    byId("example").addEventListener("click", () => pictured(examplePicture()));
    if (!home.first) see(examplePicture());
  }
  if (home.first) see(home.first);
  for (const button of home.root.querySelectorAll("#given button")) {
    button.addEventListener("click", async () => pictured(await readPicture(await blobOf(button.querySelector("img")))));
  }
}

/** Return a picture of the page as a file, from its data: nothing is fetched. */
async function blobOf(image) {
  const [, text] = image.src.split(",");
  return new Blob([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], { type: "image/png" });
}

const begun = start().catch((error) => trouble(`The network cannot run here: ${error.message}. It needs a browser of 2023 or later.`));
