"use strict";
// How one number of a map was made: the window it came from, the products and the sum.
//
// Every way returns {how, terms, computed, grid?, windows}: a sentence; what was added, largest first, as
// {label, value}; their sum; a window of numbers as {rows, columns, given, weights?, products?, marked?, label}; and
// where that lies in what was read: {value, channel, box: [top, left, bottom, right]}.

const MOST_TERMS = 8;

/** Return how position (c, y, x) of operation `operation` was made; `focus` is the input channel that is looked into. */
function explained(program, values, operation, c, y, x, focus) {
  const given = operation.reads.map((value) => values[value]);
  const [, high, wide] = sizes(values[operation.id]);
  const stored = values[operation.id].data[(c * high + y) * wide + x];
  const way = WAYS[operation.op] ?? (ACTIVATIONS[operation.op] ? throughActivation : handedOn);
  const found = way({ program, values, operation, given, source: given[0], c, y, x, focus, stored });
  return { value: stored, windows: [], terms: [], grid: null, ...found };
}

/** Return the largest terms, the others as one, then what is added to all. */
function largest(terms, constant) {
  const sorted = terms.slice().sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const shown = sorted.slice(0, MOST_TERMS);
  const others = sorted.slice(MOST_TERMS);
  if (others.length) shown.push({ label: `${others.length} others`, value: others.reduce((sum, term) => sum + term.value, 0) });
  if (constant) shown.push(constant);
  return { terms: shown, computed: shown.reduce((sum, term) => sum + term.value, 0) };
}

/** Return a window of one channel: rows x columns positions, those outside the map are padding (null). */
function windowOf(map, channel, top, left, rows, columns, dilation = [1, 1]) {
  const [, height, width] = sizes(map);
  const given = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const row = top + i * dilation[0], column = left + j * dilation[1];
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      given.push(inside ? map.data[(channel * height + row) * width + column] : null);
    }
  }
  return given;
}

function throughConvolution({ operation, source, c, y, x, focus }) {
  const { kernel, stride, dilation, before, groups, weight, bias } = operation;
  const inputs = weight.shape[1], taps = kernel[0] * kernel[1];
  const first = Math.floor(c / (weight.shape[0] / groups)) * inputs;
  const top = y * stride[0] - before[0], left = x * stride[1] - before[1];
  const part = (channel) => {
    const given = windowOf(source, channel, top, left, kernel[0], kernel[1], dilation);
    const weights = Array.from(weight.data.subarray((c * inputs + channel - first) * taps, (c * inputs + channel - first + 1) * taps));
    return { given, weights, products: given.map((value, i) => (value ?? 0) * weights[i]) };
  };
  const terms = Array.from({ length: inputs }, (_, i) => ({
    label: inputs === 1 ? "sum of the products" : `channel ${first + i}`,
    channel: first + i,
    value: part(first + i).products.reduce((a, b) => a + b, 0),
  }));
  const strongest = terms.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a)).channel;
  const channel = focus !== null && focus >= first && focus < first + inputs ? focus : strongest;
  const size = `${kernel[0]} × ${kernel[1]}`;
  return {
    how: inputs === 1
      ? `A window of ${size} numbers, each times its weight, and all of that added up.`
      : `A window of ${size} numbers in each of ${inputs} channels, each times its weight, and all of that added up.`,
    ...largest(terms, bias && { label: "bias", value: bias.data[c] }),
    grid: { rows: kernel[0], columns: kernel[1], channel, label: `channel ${channel} of the window`, ...part(channel) },
    windows: [{ value: operation.reads[0], channel, box: [top, left, top + (kernel[0] - 1) * dilation[0] + 1, left + (kernel[1] - 1) * dilation[1] + 1] }],
  };
}

function throughTransposed({ operation, source, c, y, x }) {
  const { kernel, stride, dilation, before, groups, weight, bias } = operation;
  const [inputs, height, width] = source.shape;
  const perGroup = operation.shape[0] / groups, group = Math.floor(c / perGroup);
  const terms = [];
  for (let i = (group * inputs) / groups; i < ((group + 1) * inputs) / groups; i++) {
    let sum = 0;
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const row = (y + before[0] - ky * dilation[0]) / stride[0], column = (x + before[1] - kx * dilation[1]) / stride[1];
        const there = Number.isInteger(row) && Number.isInteger(column) && row >= 0 && row < height && column >= 0 && column < width;
        if (there) {
          const factor = weight.data[((i * perGroup + (c % perGroup)) * kernel[0] + ky) * kernel[1] + kx];
          sum += factor * source.data[(i * height + row) * width + column];
        }
      }
    }
    terms.push({ label: `channel ${i}`, channel: i, value: sum });
  }
  return { how: "What every input near it spreads onto it, added up.", ...largest(terms, bias && { label: "bias", value: bias.data[c] }) };
}

/** Return what number i of a flat vector is called: a place of the map that was flattened. */
function placeName(program, value, i) {
  let at = value;
  for (;;) {
    const operation = program.byId[at];
    if (!operation || !["flatten", "identity"].includes(operation.op)) break;
    at = operation.reads[0];
  }
  const [, high, wide] = at === 0 ? program.input : [...program.byId[at].shape, 1, 1];
  if (high * wide === 1) return `number ${i}`;
  return `channel ${Math.floor(i / (high * wide))}, row ${Math.floor(i / wide) % high}, column ${i % wide}`;
}

function throughDense({ program, operation, source, c }) {
  const { weight, bias } = operation;
  const inputs = weight.shape[1];
  const terms = Array.from(source.data, (value, i) => ({
    label: placeName(program, operation.reads[0], i),
    detail: [value, weight.data[c * inputs + i]],
    value: value * weight.data[c * inputs + i],
  }));
  return { how: `All ${inputs} numbers before it, each times its weight, and all of that added up.`, ...largest(terms, bias && { label: "bias", value: bias.data[c] }) };
}

function throughRbf({ operation, source, c }) {
  const channels = source.shape[0];
  const terms = Array.from(source.data, (value, i) => ({ label: `number ${i}`, value: -((value - operation.prototypes.data[c * channels + i]) ** 2) }));
  return { how: "Minus the squared distance to the drawing of this class, number by number.", ...largest(terms) };
}

function throughPool({ operation, source, c, y, x, stored }) {
  const { kernel } = operation, stride = operation.stride ?? kernel, before = operation.before ?? [0, 0];
  const top = y * stride[0] - before[0], left = x * stride[1] - before[1];
  const given = windowOf(source, c, top, left, kernel[0], kernel[1]);
  const [, height, width] = source.shape;
  const picks = { maxpool: "largest", minpool: "smallest" }[operation.op];
  const sum = given.reduce((a, b) => a + (b ?? 0), 0);
  const size = `${kernel[0]} × ${kernel[1]}`;
  const found = {
    grid: { rows: kernel[0], columns: kernel[1], channel: c, label: `channel ${c} of the window`, given, marked: picks ? given.indexOf(stored) : -1 },
    windows: [{ value: operation.reads[0], channel: c, box: [top, left, top + kernel[0], left + kernel[1]] }],
  };
  if (picks) return { ...found, how: `The ${picks} of a window of ${size} numbers.`, computed: stored };
  if (operation.op === "avgpool") {
    const count = meanCount(operation, height, y, 0) * meanCount(operation, width, x, 1);
    return { ...found, how: `The mean of a window of ${size} numbers: their sum over ${count}.`, computed: sum / count };
  }
  const mean = sum / given.length;
  return {
    ...found,
    how: `The mean of a window of ${size} numbers, times a weight of the channel, plus a bias.`,
    terms: [{ label: "mean × weight", value: mean * operation.weight.data[c] }, { label: "bias", value: operation.bias.data[c] }],
    computed: mean * operation.weight.data[c] + operation.bias.data[c],
  };
}

function throughBins({ operation, source, c, y, x, stored }) {
  const [, height, width] = sizes(source);
  const [, high, wide] = [...operation.shape, 1, 1];
  const rows = bin(y, high, height), columns = bin(x, wide, width);
  const given = windowOf(source, c, rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]);
  const word = { globalmax: "largest", globalmin: "smallest" }[operation.op];
  const sum = given.reduce((a, b) => a + b, 0);
  return {
    how: word ? `The ${word} of the ${given.length} numbers of its channel.` : `The mean of ${given.length} numbers of its channel.`,
    computed: word ? stored : sum / given.length,
    grid: { rows: rows[1] - rows[0], columns: columns[1] - columns[0], channel: c, label: `channel ${c}`, given, marked: word ? given.indexOf(stored) : -1 },
    windows: [{ value: operation.reads[0], channel: c, box: [rows[0], columns[0], rows[1], columns[1]] }],
  };
}

/** Return the number that lies at the same place of what was read, and where. */
function sameAt(operation, source, c, y, x, which = 0) {
  const [, high, wide] = sizes(source);
  const [row, column] = high * wide === 1 ? [0, 0] : [y, x];
  return {
    value: source.data[(c * high + row) * wide + column],
    window: { value: operation.reads[which], channel: c, box: [row, column, row + 1, column + 1] },
  };
}

function throughAffine({ operation, source, c, y, x }) {
  const before = sameAt(operation, source, c, y, x);
  const product = before.value * operation.scale.data[c];
  return {
    how: "The number before it, times a scale of its channel, plus a shift.",
    terms: [{ label: "number × scale", detail: [before.value, operation.scale.data[c]], value: product }, { label: "shift", value: operation.shift.data[c] }],
    computed: product + operation.shift.data[c],
    windows: [before.window],
  };
}

function throughActivation({ operation, source, c, y, x }) {
  const before = sameAt(operation, source, c, y, x);
  return {
    how: `${operation.op} of the number before it, which is`,
    before: before.value,
    computed: ACTIVATIONS[operation.op](before.value, operation),
    windows: [before.window],
  };
}

function throughJoin({ program, operation, given, c, y, x }) {
  const each = given.map((source, which) => sameAt(operation, source, c, y, x, which));
  const terms = each.map((one, which) => ({ label: pathOf(program, operation.reads[which]), value: one.value }));
  const sum = operation.op === "add";
  return {
    how: sum ? "The numbers of its branches, added up." : "The numbers of its branches, multiplied.",
    terms,
    computed: each.reduce((a, one) => (sum ? a + one.value : a * one.value), sum ? 0 : 1),
    windows: each.map((one) => one.window),
    product: !sum,
  };
}

function throughConcat({ program, operation, given, c, y, x }) {
  let channel = c, which = 0;
  while (channel >= given[which].shape[0]) channel -= given[which++].shape[0];
  const before = sameAt(operation, given[which], channel, y, x, which);
  const from = pathOf(program, operation.reads[which]);
  return { how: `Channel ${channel} of ${from}, laid behind what comes before it; it is`, before: before.value, computed: before.value, windows: [before.window] };
}

/** What no window says: the number is made of more than is shown here, or handed on as it is. */
function handedOn({ operation, source, stored, c, y, x }) {
  const same = source.data.length === operation.shape.reduce((a, b) => a * b, 1);
  if (["flatten", "identity"].includes(operation.op)) return { how: "The number before it, as it is.", computed: stored };
  const norms = { groupnorm: "its group of channels", layernorm: "all channels of its place" };
  if (norms[operation.op]) return { how: `The number before it, less the mean of ${norms[operation.op]}, over their deviation; then scaled and shifted.`, computed: stored };
  const words = {
    softmax: "The share of its exponential among all channels of its place.",
    lrn: "The number before it, over a power of the squares of the channels beside it.",
    upsample: "The number of the smaller map that lies there.",
    crop: "The number before it; the edges were cut off.",
    padchannels: "The number before it, or zero in a channel that was added.",
  };
  return { how: words[operation.op], computed: stored, windows: same ? [sameAt(operation, source, c, y, x).window] : [] };
}

function pathOf(program, value) {
  return value === 0 ? "the input" : program.byId[value].path;
}

const WAYS = {
  conv: throughConvolution,
  convtranspose: throughTransposed,
  dense: throughDense,
  rbf: throughRbf,
  maxpool: throughPool,
  minpool: throughPool,
  avgpool: throughPool,
  subsample: throughPool,
  globalmax: throughBins,
  globalmin: throughBins,
  globalavg: throughBins,
  adaptiveavg: throughBins,
  affine: throughAffine,
  add: throughJoin,
  multiply: throughJoin,
  concat: throughConcat,
};
