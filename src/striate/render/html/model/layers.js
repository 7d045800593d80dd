"use strict";
// The other layers, and LAYERS: what computes every operation that striate/export/page_layers.py can tell.

/** The activations: one function on every value by itself. */
const ACTIVATIONS = {
  relu: (x) => (x > 0 ? x : 0),
  relu6: (x) => (x > 6 ? 6 : x > 0 ? x : 0),
  leakyrelu: (x, operation) => (x >= 0 ? x : operation.slope * x),
  tanh: Math.tanh,
  scaledtanh: (x) => 1.7159 * Math.tanh((2 / 3) * x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
  silu: (x) => x / (1 + Math.exp(-x)),
  hardsigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
  hardswish: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
};

/** The error function: its series near 0, its continued fraction elsewhere (Abramowitz and Stegun, 7.1.5, 7.1.14). */
function errorFunction(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x, sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let n = 40; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / fraction);
}

function activated(operation, given) {
  const result = emptyMap(operation.shape);
  const activation = ACTIVATIONS[operation.op];
  for (let i = 0; i < given.data.length; i++) result.data[i] = activation(given.data[i], operation);
  return result;
}

/** affine: each channel times a scale plus a shift; a batch norm with its statistics, or a trained scale. */
function affine(operation, given) {
  const result = emptyMap(operation.shape);
  const positions = given.data.length / given.shape[0];
  for (let c = 0, i = 0; c < given.shape[0]; c++) {
    const scale = operation.scale.data[c], shift = operation.shift.data[c];
    for (let p = 0; p < positions; p++, i++) result.data[i] = given.data[i] * scale + shift;
  }
  return result;
}

/** Return mean and variance of some values: `at(i)` for i from 0 to `count`. */
function moments(count, at) {
  let mean = 0, variance = 0;
  for (let i = 0; i < count; i++) mean += at(i) / count;
  for (let i = 0; i < count; i++) variance += (at(i) - mean) ** 2 / count;
  return [mean, variance];
}

function trained(operation, value, channel) {
  return value * (operation.weight ? operation.weight.data[channel] : 1) + (operation.bias ? operation.bias.data[channel] : 0);
}

function groupNorm(operation, given) {
  const result = emptyMap(operation.shape);
  const size = given.data.length / operation.groups;
  const positions = given.data.length / given.shape[0];
  for (let group = 0; group < operation.groups; group++) {
    const start = group * size;
    const [mean, variance] = moments(size, (i) => given.data[start + i]);
    for (let i = start; i < start + size; i++) {
      const norm = (given.data[i] - mean) / Math.sqrt(variance + operation.eps);
      result.data[i] = trained(operation, norm, Math.floor(i / positions));
    }
  }
  return result;
}

function layerNorm(operation, given) {
  const result = emptyMap(operation.shape);
  const channels = given.shape[0];
  const positions = given.data.length / channels;
  for (let p = 0; p < positions; p++) {
    const [mean, variance] = moments(channels, (c) => given.data[c * positions + p]);
    for (let c = 0; c < channels; c++) {
      const norm = (given.data[c * positions + p] - mean) / Math.sqrt(variance + operation.eps);
      result.data[c * positions + p] = trained(operation, norm, c);
    }
  }
  return result;
}

/** Return the channels that stand beside channel c in a local response norm: [first, one past the last]. */
function neighbours(c, size, channels) {
  return [Math.max(0, c - Math.floor(size / 2)), Math.min(channels, c - Math.floor(size / 2) + size)];
}

function localResponseNorm(operation, given) {
  const result = emptyMap(operation.shape);
  const channels = given.shape[0];
  const positions = given.data.length / channels;
  const { size, alpha, beta, k } = operation;
  for (let c = 0; c < channels; c++) {
    const [first, last] = neighbours(c, size, channels);
    for (let p = 0; p < positions; p++) {
      let sum = 0;
      for (let n = first; n < last; n++) sum += given.data[n * positions + p] ** 2;
      result.data[c * positions + p] = given.data[c * positions + p] / (k + (alpha / size) * sum) ** beta;
    }
  }
  return result;
}

function softmaxed(operation, given) {
  const result = emptyMap(operation.shape);
  const channels = given.shape[0];
  const positions = given.data.length / channels;
  for (let p = 0; p < positions; p++) {
    let largest = -Infinity, sum = 0;
    for (let c = 0; c < channels; c++) largest = Math.max(largest, given.data[c * positions + p]);
    for (let c = 0; c < channels; c++) sum += Math.exp(given.data[c * positions + p] - largest);
    for (let c = 0; c < channels; c++) {
      result.data[c * positions + p] = Math.exp(given.data[c * positions + p] - largest) / sum;
    }
  }
  return result;
}

/** rbf: minus the squared distance to the prototype of a class, at every position. */
function radial(operation, given) {
  const result = emptyMap(operation.shape);
  const [channels, height, width] = sizes(given);
  const positions = height * width;
  for (let o = 0; o < operation.shape[0]; o++) {
    for (let p = 0; p < positions; p++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) {
        sum += (given.data[c * positions + p] - operation.prototypes.data[o * channels + c]) ** 2;
      }
      result.data[o * positions + p] = -sum;
    }
  }
  return result;
}

/** The same values in another shape. */
function passed(operation, given) {
  return { shape: operation.shape, data: given.data };
}

function padChannels(operation, given) {
  const result = emptyMap(operation.shape);
  result.data.set(given.data, operation.front * (given.data.length / given.shape[0]));
  return result;
}

/** Join maps value by value; one of 1 x 1 counts for every position of its channel. */
function joined(operation, given, join) {
  const result = emptyMap(operation.shape);
  const positions = result.data.length / operation.shape[0];
  const spread = given.map((map) => map.data.length !== result.data.length);
  for (let i = 0; i < result.data.length; i++) {
    let value = given[0].data[spread[0] ? Math.floor(i / positions) : i];
    for (let n = 1; n < given.length; n++) value = join(value, given[n].data[spread[n] ? Math.floor(i / positions) : i]);
    result.data[i] = value;
  }
  return result;
}

function concatenated(operation, given) {
  const result = emptyMap(operation.shape);
  let at = 0;
  for (const map of given) {
    result.data.set(map.data, at);
    at += map.data.length;
  }
  return result;
}

/** Operation -> (operation, map that it reads, all of them) -> map. */
const LAYERS = {
  ...Object.fromEntries(Object.keys(ACTIVATIONS).map((name) => [name, activated])),
  conv: convolution,
  convtranspose: transposed,
  dense,
  rbf: radial,
  maxpool: (operation, given) => pooled(operation, given, operation.stride, operation.before, largestOf),
  minpool: (operation, given) => pooled(operation, given, operation.stride, operation.before, smallestOf),
  avgpool: averagePool,
  subsample,
  globalmax: (operation, given) => binned(operation, given, largestOf),
  globalmin: (operation, given) => binned(operation, given, smallestOf),
  globalavg: adaptiveAverage,
  adaptiveavg: adaptiveAverage,
  crop: cropped,
  upsample: upsampled,
  flatten: passed,
  identity: passed,
  affine,
  groupnorm: groupNorm,
  layernorm: layerNorm,
  lrn: localResponseNorm,
  softmax: softmaxed,
  padchannels: padChannels,
  add: (operation, given, all) => joined(operation, all, (a, b) => a + b),
  multiply: (operation, given, all) => joined(operation, all, (a, b) => a * b),
  concat: (operation, given, all) => concatenated(operation, all),
};

/**
 * Return what every operation puts out, by its number; 0 is the input.
 * `pixels` are whole numbers from 0 to 255, row by row, the channels of a pixel beside each other.
 */
function runProgram(program, pixels) {
  const input = emptyMap(program.input);
  const [channels, height, width] = program.input;
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < height * width; p++) {
      input.data[c * height * width + p] = pixels[p * channels + c] * program.scale[c] + program.offset[c];
    }
  }
  const values = [input];
  for (const operation of program.operations) {
    const given = operation.reads.map((value) => values[value]);
    values[operation.id] = LAYERS[operation.op](operation, given[0], given);
  }
  return values;
}
