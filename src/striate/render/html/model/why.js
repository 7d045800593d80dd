"use strict";
// The evidence for an answer, over the picture, and whether it holds.

/** Show the evidence `found` for output `k` over the input's pixels. */
function showEvidence(program, pixels, learnt, k, found) {
  const [, height, width] = program.input;
  const canvas = byId("evidence");
  const [said, note] = [byId("evidence-said"), byId("evidence-note")];
  canvas.hidden = byId("evidence-legend").hidden = !found || found.kind === "later";
  if (!found) return;
  if (found.kind === "later") {
    said.textContent = `Found by covering the picture bit by bit, which takes about ${Math.round(found.seconds)} s here.`;
    note.textContent = "";
    return;
  }
  const scale = scaleOf(found.data);
  if (scale.low === 0) scale.low = -scale.high;
  drawOver(canvas, program, pixels, found, scale);
  canvas.setAttribute("aria-label", `evidence for ${learnt.names[k]} over the picture, ${height} by ${width} pixels`);
  const what = found.kind === "sum" ? "what each place adds to the answer" : "what the answer loses where this is covered";
  showLegend(byId("evidence-legend"), scale, what);
  said.replaceChildren(...evidenceWords(learnt, k, found));
  note.replaceChildren(...trustWords(learnt, found.tested));
}

function evidenceWords(learnt, k, found) {
  if (found.kind === "cover") {
    return ["Found by covering squares of ", `${found.size} × ${found.size}`, " pixels: red where the answer ", nameOf(learnt.names[k]), " loses by it, blue where it gains. What two places say only together is not seen this way."];
  }
  const rather = found.against ? " rather than the mean class" : "";
  const sum = `the ${found.high} × ${found.wide} places add up to ${figure(found.total)}${found.bias ? `, with the bias ${figure(found.bias)}` : ""}, which is the score ${figure(found.score)}`;
  return ["Exact at the last map: the answer is a sum over its places. For ", nameOf(learnt.names[k]), `${rather}, ${sum}. Each place has seen a large part of the picture, so its square says where it stands, not which pixels it used.`];
}

function trustWords(learnt, { before, most, least }) {
  const holds = learnt.kind === "numbers" ? Math.abs(before - most) > Math.abs(before - least) : most < before && most < least;
  const verdict = holds ? "It holds here:" : "Take it with care:";
  return [make("b", {}, verdict), ` with the tenth of the picture covered that has most evidence, the answer goes from ${figure(before)} to ${figure(most)}; with the tenth that has least, to ${figure(least)}.`];
}

/** Draw the picture in gray with the evidence over it, as strong as it is. */
function drawOver(canvas, program, pixels, found, scale) {
  const [channels, height, width] = program.input;
  const enlarge = Math.max(1, Math.ceil(256 / Math.max(height, width)));
  canvas.width = width * enlarge;
  canvas.height = height * enlarge;
  const image = new ImageData(canvas.width, canvas.height);
  const colour = [0, 0, 0, 0];
  for (let y = 0, at = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++, at += 4) {
      const from = (Math.floor(y / enlarge) * width + Math.floor(x / enlarge)) * channels;
      const gray = channels === 1 ? pixels[from] : 0.299 * pixels[from] + 0.587 * pixels[from + 1] + 0.114 * pixels[from + 2];
      const value = smooth(found, ((y + 0.5) * found.high) / canvas.height - 0.5, ((x + 0.5) * found.wide) / canvas.width - 0.5);
      paint(colour, 0, value, scale);
      const share = 0.85 * Math.min(1, Math.abs(value) / scale.high) ** 0.7;
      for (let c = 0; c < 3; c++) image.data[at + c] = (1 - share) * gray + share * colour[c];
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Return a value between the places of a map. */
function smooth({ data, high, wide }, y, x) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (row, column) => data[Math.min(high - 1, Math.max(0, row)) * wide + Math.min(wide - 1, Math.max(0, column))];
  const [down, across] = [y - top, x - left];
  return (at(top, left) * (1 - across) + at(top, left + 1) * across) * (1 - down) + (at(top + 1, left) * (1 - across) + at(top + 1, left + 1) * across) * down;
}
