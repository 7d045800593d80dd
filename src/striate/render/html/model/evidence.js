"use strict";
// Why this answer? Exactly, where an output is a sum over the places of a map; else by covering parts of the picture.

const SHARE = 0.1; // of the picture's area that is covered to see whether an explanation holds

/**
 * Return {high, wide, data, total, bias, score, against}: what each place of the last map gives to output `k`.
 * Of several classes it is the output less the mean of all, for a softmax answers the same when all outputs move
 * together. The sum over places plus the bias is the score, to rounding. Class activation maps: Zhou et al. 2016.
 */
function summedEvidence(program, values, k) {
  const { map, dense: answerer, pool } = program.evidence;
  const [channels, high, wide] = values[map].shape;
  const places = high * wide;
  const outputs = values[program.output].data;
  const against = program.answer.kind === "classes" && outputs.length > 1;
  const by = program.operations.find((operation) => operation.id === answerer);
  const data = new Float32Array(places);
  const weightOf = outputWeights(by, k, outputs.length, against);
  const largest = pool && program.byId[pool].op === "globalmax"; // only the largest of a channel counts, at its place
  for (let c = 0; c < channels; c++) {
    if (largest) {
      const channel = values[map].data.subarray(c * places, (c + 1) * places);
      const p = channel.indexOf(values[pool].data[c]);
      data[p] += channel[p] * (by ? weightOf(c) : (c === k) - (against ? 1 / outputs.length : 0));
      continue;
    }
    for (let p = 0; p < places; p++) {
      const weight = by ? weightOf(pool ? c : c * places + p) : (c === k) - (against ? 1 / outputs.length : 0);
      data[p] += (weight * values[map].data[c * places + p]) / (pool ? places : 1);
    }
  }
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const centred = (list) => list[k] - (against ? mean(list) : 0);
  const bias = by && by.bias ? centred(by.bias.data) : 0;
  const total = data.reduce((sum, value) => sum + value, 0);
  return { kind: "sum", high, wide, data, total, bias, score: centred(outputs), against };
}

/** Return what weighs input i of a dense layer for output k, less the mean over all outputs where asked. */
function outputWeights(by, k, outputs, against) {
  if (!by) return null;
  const inputs = by.weight.shape[1];
  const found = new Float64Array(inputs);
  for (let i = 0; i < inputs; i++) {
    let mean = 0;
    if (against) for (let o = 0; o < outputs; o++) mean += by.weight.data[o * inputs + i] / outputs;
    found[i] = by.weight.data[k * inputs + i] - mean;
  }
  return (i) => found[i];
}

/** Return what output k is worth in an answer: a log probability, a log odds, a number. */
function worth(program, values, k) {
  const { data } = values[program.output];
  if (program.answer.kind === "classes") return logProbabilities(data, program.answer.temperature)[k];
  return data[k];
}

/** Return pixels with those that `isCovered(y, x)` in the mean colour of the pictures learnt from. */
function covered(program, pixels, isCovered) {
  const [channels, height, width] = program.input;
  const mean = program.preprocess.mean.length ? program.preprocess.mean : [0.5, 0.5, 0.5];
  const result = Uint8Array.from(pixels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isCovered(y, x)) continue;
      for (let c = 0; c < channels; c++) result[(y * width + x) * channels + c] = Math.round(255 * mean[c]);
    }
  }
  return result;
}

/**
 * Return what the answer loses where a square of the picture is covered: {high, wide, data, size}, each place the mean
 * over the squares that covered it. Zeiler and Fergus 2014. `pause()` lets others in, and says whether to stop.
 */
async function coveredEvidence(program, pixels, k, cells, pause) {
  const [, height, width] = program.input;
  const size = Math.max(2, Math.round(Math.max(height, width) / cells));
  const step = Math.max(1, Math.round(size / 2));
  const whole = worth(program, runProgram(program, pixels), k);
  const sums = new Float32Array(height * width), counts = new Float32Array(height * width);
  for (let top = step - size; top < height; top += step) {
    for (let left = step - size; left < width; left += step) {
      if (await pause((top + size) / (height + size))) return null;
      const inside = (y, x) => y >= top && y < top + size && x >= left && x < left + size;
      const lost = whole - worth(program, runProgram(program, covered(program, pixels, inside)), k);
      for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
        for (let x = Math.max(0, left); x < Math.min(width, left + size); x++) {
          sums[y * width + x] += lost;
          counts[y * width + x]++;
        }
      }
    }
  }
  return { kind: "cover", high: height, wide: width, data: sums.map((sum, i) => sum / Math.max(1, counts[i])), size };
}

/**
 * Return what the answer is when the tenth of the picture with most evidence is covered, and when that with least is:
 * {before, most, least}, each what a person reads (a probability, a number).
 */
function testedEvidence(program, pixels, evidence, k) {
  const [, height, width] = program.input;
  const order = Array.from({ length: height * width }, (_, p) => {
    const y = Math.floor((Math.floor(p / width) * evidence.high) / height);
    const x = Math.floor(((p % width) * evidence.wide) / width);
    return evidence.data[y * evidence.wide + x];
  });
  const ranked = order.map((_, p) => p).sort((a, b) => order[b] - order[a]);
  const count = Math.round(SHARE * ranked.length);
  const said = (some) => {
    const chosen = new Set(some);
    const seen = some.length ? covered(program, pixels, (y, x) => chosen.has(y * width + x)) : pixels;
    const answer = answerOf(program, runProgram(program, seen));
    return answer.kind === "numbers" ? answer.numbers[k].value : answer.probabilities[k];
  };
  return { before: said([]), most: said(ranked.slice(0, count)), least: said(ranked.slice(-count)) };
}
