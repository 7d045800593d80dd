"use strict";
// The layers as a river from picture to answer: a stage for each, its strongest channel, and what flows past it.

const BEGINS = new Set(["conv", "convtranspose", "dense", "rbf", "maxpool", "minpool", "avgpool", "subsample", "globalmax", "globalavg", "globalmin", "adaptiveavg", "add", "multiply", "concat", "upsample", "crop", "padchannels"]);
const HIDDEN = new Set(["identity", "flatten"]); // what changes no number

/**
 * Return the stages of a program: {name, steps: [operation], last, reads: [stage], text}. Norms and activations belong to
 * the layer before them. Stage 0 is the input.
 */
function stagesOf(program) {
  const stages = [{ name: "input", steps: [], last: 0, reads: [], text: "the picture as the network is given it", shape: program.input }];
  const stageOf = [0];
  for (const operation of program.operations) {
    const before = stages[stageOf[operation.reads[0]]];
    const goesOn = !BEGINS.has(operation.op) && before.steps.length > 0 && before.last === operation.reads[0];
    if (HIDDEN.has(operation.op)) {
      stageOf[operation.id] = stageOf[operation.reads[0]];
      if (before.last === operation.reads[0]) before.last = operation.id;
      continue;
    }
    if (goesOn) before.steps.push(operation);
    else {
      stages.push({ name: operation.path, steps: [operation], reads: [...new Set(operation.reads.map((value) => stageOf[value]))], text: operation.text });
      stageOf[operation.id] = stages.length - 1;
    }
    const stage = goesOn ? before : stages[stages.length - 1];
    stageOf[operation.id] = stages.indexOf(stage);
    stage.last = operation.id;
    stage.shown = operation.id;
    stage.shape = operation.shape;
  }
  stages[0].shown = 0;
  return stages;
}

function shapeText(shape) {
  return shape.length === 3 ? `${shape[0]} maps of ${shape[1]} × ${shape[2]}` : `${shape[0]} numbers`;
}

/** Build the strip of stages; `choose(index)` is called when one is chosen. Returns {update, mark}. */
function buildRiver(stages, choose) {
  const strip = byId("river");
  const buttons = stages.map((stage, index) => {
    const canvas = make("canvas", { width: 1, height: 1 });
    const name = make("span", { className: "stage-name" }, stage.name.split(".").slice(-2).join("."));
    const size = make("span", { className: "stage-size" }, stage.shape.join(" × "));
    const button = make("button", { type: "button", className: "stage", title: `${stage.name}: ${stage.text}` }, canvas, name, size);
    button.addEventListener("click", () => choose(index));
    button.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const next = event.key === "Home" ? 0 : event.key === "End" ? stages.length - 1 : index + move;
      if (!buttons[next]) return;
      event.preventDefault();
      choose(next);
      buttons[next].focus();
    });
    return button;
  });
  const flow = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  flow.setAttribute("aria-hidden", "true");
  flow.setAttribute("class", "flow");
  strip.replaceChildren(flow, ...buttons);
  const redraw = () => drawFlow(flow, buttons, stages);
  new ResizeObserver(redraw).observe(strip);
  return {
    update: (small) => small.forEach((map, index) => drawStage(buttons[index].querySelector("canvas"), map)),
    mark: (index) => {
      buttons.forEach((button, place) => {
        button.setAttribute("aria-pressed", String(place === index));
        button.tabIndex = place === index ? 0 : -1;
      });
      const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const box = buttons[index], middle = box.offsetLeft - (strip.clientWidth - box.offsetWidth) / 2;
      strip.scrollTo({ left: middle, behavior: reduced ? "auto" : "smooth" });
    },
  };
}

/** Draw the strongest channel of a stage, or a flat vector as a column of bars that is folded into a square. */
function drawStage(canvas, { shape, data }) {
  if (shape.length === 3) return drawValues(canvas, data, 0, shape[1], shape[2], scaleOf(data));
  const wide = Math.ceil(Math.sqrt(data.length));
  const high = Math.ceil(data.length / wide);
  const filled = new Float32Array(high * wide);
  filled.set(data);
  drawValues(canvas, filled, 0, high, wide, scaleOf(data));
}

/** Draw what flows from stage to stage: straight to the next, in an arc past what it skips. */
function drawFlow(flow, buttons, stages) {
  const strip = flow.parentElement;
  flow.setAttribute("width", strip.scrollWidth);
  flow.setAttribute("height", strip.clientHeight);
  flow.replaceChildren();
  stages.forEach((stage, index) => {
    for (const source of stage.reads) {
      const from = buttons[source], to = buttons[index];
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const middle = from.offsetTop + 34;
      const start = from.offsetLeft + from.offsetWidth, end = to.offsetLeft;
      if (index - source === 1) line.setAttribute("d", `M${start} ${middle}H${end}`);
      else {
        const [left, right] = [from.offsetLeft + from.offsetWidth - 12, to.offsetLeft + 12];
        const lift = Math.min(34, 14 + 3 * (index - source));
        line.setAttribute("d", `M${left} ${from.offsetTop}C${left + 18} ${from.offsetTop - lift} ${right - 18} ${from.offsetTop - lift} ${right} ${from.offsetTop}`);
      }
      flow.append(line);
    }
  });
}
