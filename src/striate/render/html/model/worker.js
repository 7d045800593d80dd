"use strict";
// The network at work, beside the page: it answers messages {number, call, args} by {number, result} or {number, error}.

const state = { program: null, values: null, pixels: null, asked: 0, took: 0 };

const CALLS = {
  /** Take a program and its tensors; nothing else works before. */
  async open({ program, text }) {
    giveTensors(program, await unpackTensors(text, program.counts));
    // A side head leaves numbers out: operations lie at their number less 1, with holes.
    const operations = program.operations;
    program.byId = [];
    for (const operation of operations) program.byId[operation.id] = operation;
    state.program = program;
    return {};
  },

  /** Look at a picture: RGBA, as it is seen, or the pixels that the network is given, prepared elsewhere. */
  ask({ rgba, width, height, prepared }) {
    const begin = performance.now();
    state.asked++;
    state.pixels = prepared ?? preparedPixels(state.program.preprocess, rgba, width, height);
    state.values = runProgram(state.program, state.pixels);
    const answer = answerOf(state.program, state.values);
    state.took = performance.now() - begin;
    return { answer, pixels: state.pixels.slice(), took: state.took };
  },

  /** Return a whole map: {shape, data}. */
  map({ value }) {
    const { shape, data } = state.values[value];
    return { shape, data: data.slice() };
  },

  /** Return of each map its strongest channel, small: {shape, channel, data}. A flat vector is returned whole. */
  small({ values }) {
    return values.map((value) => {
      const map = state.values[value];
      if (map.shape.length === 1) return { shape: map.shape, channel: 0, data: map.data.slice() };
      const [channels, high, wide] = map.shape;
      const channel = strongest(map)[0];
      return { shape: map.shape, channel, data: map.data.slice(channel * high * wide, (channel + 1) * high * wide) };
    });
  },

  /** Return the channels of a map, those with the largest values first. */
  order({ value }) {
    return strongest(state.values[value]);
  },

  explain({ value, channel, row, column, focus }) {
    return explained(state.program, state.values, state.program.byId[value], channel, row, column, focus);
  },

  /** Return the weights of one output of an operation: {shape: [in, rows, columns], data}. */
  filter({ value, channel }) {
    const { weight } = state.program.byId[value];
    const size = weight.data.length / weight.shape[0];
    return { shape: weight.shape.slice(1), data: weight.data.slice(channel * size, (channel + 1) * size) };
  },

  /** Explain output k; null where another picture came meanwhile. `forced`: however long it takes. */
  async evidence({ k, forced }) {
    const { program, pixels, values, asked } = state;
    const stopped = async () => {
      await new Promise((go) => setTimeout(go));
      return state.asked !== asked;
    };
    if (program.evidence.kind === "sum") {
      const found = summedEvidence(program, values, k);
      if (await stopped()) return null;
      return { ...found, tested: testedEvidence(program, pixels, found, k) };
    }
    const begin = performance.now();
    runProgram(program, pixels); // the first run of all is slower than those to come
    const each = Math.min(state.took, performance.now() - begin);
    const cells = each > 100 ? 5 : 8;
    const seconds = ((2 * cells + 1) ** 2 * each) / 1000;
    if (seconds > 6 && !forced) return { kind: "later", seconds };
    const found = await coveredEvidence(program, pixels, k, cells, stopped);
    return found && { ...found, tested: testedEvidence(program, pixels, found, k) };
  },
};

/** Return the channels of a map, those with the largest mean of what is above 0 first; of none, the largest size. */
function strongest(map) {
  const [channels, high, wide] = sizes(map);
  const places = high * wide;
  const strength = Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let p = c * places; p < (c + 1) * places; p++) sum += Math.max(0, map.data[p]) + 1e-6 * Math.abs(map.data[p]);
    return sum;
  });
  return strength.map((_, c) => c).sort((a, b) => strength[b] - strength[a]);
}

self.onmessage = async ({ data: { number, call, args } }) => {
  try {
    self.postMessage({ number, result: await CALLS[call](args) });
  } catch (error) {
    self.postMessage({ number, error: String(error.message ?? error) });
  }
};
