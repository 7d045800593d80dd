"use strict";
// What the network puts out -> an answer, calibrated as striate predict says it. What is learnt: export/page_answer.py.

const NEIGHBOURS = 5, GAMMA = 0.3, LIKELIEST = 100; // of striate/tasks/ood.py

/** Return log softmax of logits over a temperature. */
function logProbabilities(logits, temperature) {
  const scaled = Array.from(logits, (value) => value / temperature);
  const largest = Math.max(...scaled);
  const log = largest + Math.log(scaled.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  return scaled.map((value) => value - log);
}

/** Return how unlike everything learnt from a picture is, as `OODDetector.score` does. */
function strangeness(unknown, embedding, logits) {
  const far = (logDistance(unknown, embedding) - unknown.distance[0]) / unknown.distance[1];
  if (unknown.measure === "distance") return far;
  const undecided = (logIndecision(logits, unknown.temperature) - unknown.indecision[0]) / unknown.indecision[1];
  const larger = Math.max(far, undecided);
  return larger + Math.log(Math.exp(far - larger) + Math.exp(undecided - larger));
}

function logDistance(unknown, embedding) {
  const [count, width] = unknown.stored.shape;
  let folded = embedding;
  if (unknown.folding) { // wide ones are folded: striate/tasks/sketch.py
    folded = new Float64Array(width);
    unknown.folding.forEach((place, i) => {
      folded[Math.abs(place) - 1] += Math.sign(place) * embedding[i];
    });
  }
  let length = 0;
  for (let i = 0; i < width; i++) length += folded[i] ** 2;
  length = Math.max(Math.sqrt(length), 1e-30);
  const likeness = [];
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (folded[i] / length) * unknown.stored.data[row * width + i];
    likeness.push(sum);
  }
  const nearest = likeness.sort((a, b) => b - a).slice(0, NEIGHBOURS);
  const distance = 1 - nearest.reduce((a, b) => a + b, 0) / nearest.length;
  return Math.log(Math.max(distance, 0) + 1e-6);
}

function logIndecision(logits, temperature) {
  const logs = logProbabilities(logits, temperature).sort((a, b) => a - b).slice(-LIKELIEST);
  const rest = logs.map((log) => -Math.expm1(Math.min(log, 0)));
  rest[rest.length - 1] = logs.slice(0, -1).reduce((sum, log) => sum + Math.exp(log), 0);
  return Math.log(logs.reduce((sum, log, i) => sum + Math.exp(GAMMA * log) * rest[i] ** GAMMA, 0) + 1e-30);
}

/** Classes: {kind, probabilities, order, unknown, strangeness}. */
function classesAnswer(learnt, logits, embedding) {
  const probabilities = logProbabilities(logits, learnt.temperature).map(Math.exp);
  const answer = { kind: "classes", probabilities, order: ordered(probabilities), unknown: false };
  if (learnt.unknown) {
    answer.strangeness = strangeness(learnt.unknown, embedding, logits);
    answer.unknown = learnt.unknown.threshold !== null && answer.strangeness > learnt.unknown.threshold;
  }
  return answer;
}

/** Tags: each has a probability by itself and is said from its threshold on. */
function tagsAnswer(learnt, logits) {
  const probabilities = Array.from(logits, (value, tag) =>
    1 / (1 + Math.exp(-(value / learnt.temperature + learnt.shifts[tag]))));
  const said = probabilities.map((probability, tag) => probability >= learnt.thresholds[tag]);
  return { kind: "tags", probabilities, said, order: ordered(probabilities) };
}

/** Numbers: each with the interval it lies in; null where too little is known for one. */
function numbersAnswer(learnt, outputs) {
  let at = 0;
  const numbers = learnt.columns.map((column) => {
    let value, along;
    if (column.period === null) {
      value = along = outputs[at++] * column.scale + column.mean;
    } else {
      const turn = (Math.atan2(outputs[at + 1], outputs[at]) * column.period) / (2 * Math.PI);
      value = wrapped(turn, column);
      along = Math.hypot(outputs[at], outputs[at + 1]);
      at += 2;
    }
    const half = column.half === null ? null : column.half * interpolated(along, column.at, column.spread);
    const bounded = half !== null && !(column.period !== null && half >= column.period / 2);
    const ends = bounded ? [value - half, value + half].map((end) => (column.period === null ? end : wrapped(end, column))) : null;
    return { value, ends };
  });
  return { kind: "numbers", numbers };
}

function wrapped(value, column) {
  const turned = (((value - column.start) % column.period) + column.period) % column.period;
  return turned + column.start;
}

/** Return numpy.interp(x, at, values); 1 where there is nothing between which to lie. */
function interpolated(x, at, values) {
  if (!at.length) return 1;
  if (x <= at[0]) return values[0];
  for (let i = 1; i < at.length; i++) {
    if (x <= at[i]) return values[i - 1] + ((x - at[i - 1]) / (at[i] - at[i - 1])) * (values[i] - values[i - 1]);
  }
  return values[values.length - 1];
}

/** Return the numbers of the largest values first. */
function ordered(values) {
  return values.map((_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
}

const ANSWERS = { classes: classesAnswer, tags: tagsAnswer, numbers: numbersAnswer };

/** Return the answer to what the network put out (`runProgram`). */
function answerOf(program, values) {
  const learnt = program.answer;
  return ANSWERS[learnt.kind](learnt, values[program.output].data, meanEmbedding(program, values));
}

/** Return the embedding: of a map the mean over its places. */
function meanEmbedding(program, values) {
  const map = values[program.embedding];
  const [channels, height, width] = sizes(map);
  const positions = height * width;
  if (positions === 1) return map.data;
  return Float64Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let p = 0; p < positions; p++) sum += map.data[c * positions + p];
    return sum / positions;
  });
}
