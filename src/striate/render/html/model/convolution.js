"use strict";
// Convolution, transposed convolution and dense layers. Sums are made in float64 and kept in float32.

const TILE = 4; // outputs and positions that are summed at once: 16 sums fit into the registers
const BLOCK = 32; // positions whose windows are gathered at once, so that they stay in the cache

/** conv: weight (out, in of a group, rows, columns), `before` zeros above and to the left. */
function convolution(operation, given) {
  const { groups, weight } = operation;
  const result = emptyMap(operation.shape);
  const perGroup = weight.shape[0] / groups;
  if (groups > 1 && weight.shape[1] === 1 && perGroup === 1) depthwise(operation, given, result);
  else for (let group = 0; group < groups; group++) grouped(operation, given, result, group);
  return result;
}

/** Each channel by itself: tap by tap, row by row. */
function depthwise(operation, given, result) {
  const [channels, height, width] = given.shape;
  const [, outHigh, outWide] = result.shape;
  const { kernel, stride, dilation, before, weight, bias } = operation;
  const sums = new Float64Array(outWide);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < outHigh; y++) {
      sums.fill(bias ? bias.data[c] : 0);
      for (let ky = 0; ky < kernel[0]; ky++) {
        const row = y * stride[0] - before[0] + ky * dilation[0];
        if (row < 0 || row >= height) continue;
        const start = (c * height + row) * width;
        for (let kx = 0; kx < kernel[1]; kx++) {
          const factor = weight.data[(c * kernel[0] + ky) * kernel[1] + kx];
          const shift = kx * dilation[1] - before[1];
          const first = Math.max(0, Math.ceil(-shift / stride[1]));
          const last = Math.min(outWide - 1, Math.floor((width - 1 - shift) / stride[1]));
          for (let x = first, at = start + first * stride[1] + shift; x <= last; x++, at += stride[1]) {
            sums[x] += factor * given.data[at];
          }
        }
      }
      result.data.set(sums, (c * outHigh + y) * outWide);
    }
  }
}

/** One group as a product of matrices: the windows of `BLOCK` positions are gathered, then summed tile by tile. */
function grouped(operation, given, result, group) {
  const [, outHigh, outWide] = result.shape;
  const positions = outHigh * outWide;
  const outputs = operation.weight.shape[0] / operation.groups;
  const terms = operation.weight.data.length / operation.weight.shape[0];
  const weights = tiled(operation, group, outputs, terms);
  const windows = new Float64Array(BLOCK * terms);
  const tile = new Float64Array(TILE * TILE);
  for (let begin = 0; begin < positions; begin += BLOCK) {
    const count = Math.min(BLOCK, positions - begin);
    gather(operation, given, group, begin, count, outWide, windows, terms);
    for (let output = 0; output < outputs; output += TILE) {
      for (let place = 0; place < count; place += TILE) {
        multiply(weights, output * terms, windows, place * terms, terms, tile);
        for (let i = 0; i < TILE && output + i < outputs; i++) {
          const channel = group * outputs + output + i;
          const bias = operation.bias ? operation.bias.data[channel] : 0;
          for (let j = 0; j < TILE && place + j < count; j++) {
            result.data[channel * positions + begin + place + j] = tile[i * TILE + j] + bias;
          }
        }
      }
    }
  }
}

/** Return a group's weights for `multiply`, made once: TILE outputs beside each other, term by term. */
function tiled(operation, group, outputs, terms) {
  operation.tiles ??= [];
  if (!operation.tiles[group]) {
    const found = new Float64Array(Math.ceil(outputs / TILE) * TILE * terms);
    for (let output = 0; output < outputs; output++) {
      const to = Math.floor(output / TILE) * TILE * terms + (output % TILE);
      const from = (group * outputs + output) * terms;
      for (let term = 0; term < terms; term++) found[to + term * TILE] = operation.weight.data[from + term];
    }
    operation.tiles[group] = found;
  }
  return operation.tiles[group];
}

/** Write the windows of `count` positions into `windows`: TILE positions beside each other, term by term. */
function gather(operation, given, group, begin, count, outWide, windows, terms) {
  const [, height, width] = given.shape;
  const { kernel, stride, dilation, before, weight } = operation;
  const inputs = weight.shape[1];
  for (let place = 0; place < Math.ceil(count / TILE) * TILE; place++) {
    let at = Math.floor(place / TILE) * TILE * terms + (place % TILE);
    const position = begin + Math.min(place, count - 1);
    const top = Math.floor(position / outWide) * stride[0] - before[0];
    const left = (position % outWide) * stride[1] - before[1];
    for (let c = group * inputs; c < (group + 1) * inputs; c++) {
      for (let ky = 0, row = top; ky < kernel[0]; ky++, row += dilation[0]) {
        const inside = row >= 0 && row < height;
        const start = (c * height + row) * width;
        for (let kx = 0, column = left; kx < kernel[1]; kx++, column += dilation[1], at += TILE) {
          windows[at] = inside && column >= 0 && column < width ? given.data[start + column] : 0;
        }
      }
    }
  }
}

/** Write the sums of TILE outputs over TILE windows into `tile`. */
function multiply(weights, from, windows, start, terms, tile) {
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
  for (let term = 0, w = from, x = start; term < terms; term++, w += 4, x += 4) {
    const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3];
    const x0 = windows[x], x1 = windows[x + 1], x2 = windows[x + 2], x3 = windows[x + 3];
    s00 += w0 * x0; s01 += w0 * x1; s02 += w0 * x2; s03 += w0 * x3;
    s10 += w1 * x0; s11 += w1 * x1; s12 += w1 * x2; s13 += w1 * x3;
    s20 += w2 * x0; s21 += w2 * x1; s22 += w2 * x2; s23 += w2 * x3;
    s30 += w3 * x0; s31 += w3 * x1; s32 += w3 * x2; s33 += w3 * x3;
  }
  tile[0] = s00; tile[1] = s01; tile[2] = s02; tile[3] = s03;
  tile[4] = s10; tile[5] = s11; tile[6] = s12; tile[7] = s13;
  tile[8] = s20; tile[9] = s21; tile[10] = s22; tile[11] = s23;
  tile[12] = s30; tile[13] = s31; tile[14] = s32; tile[15] = s33;
}

/** convtranspose: weight (in, out of a group, rows, columns); every input spreads it over its window. */
function transposed(operation, given) {
  const result = emptyMap(operation.shape);
  const [inputs, height, width] = given.shape;
  const [outputs, outHigh, outWide] = result.shape;
  const { kernel, stride, dilation, before, groups, weight, bias } = operation;
  const sums = new Float64Array(result.data.length);
  const perGroup = outputs / groups;
  for (let c = 0; c < inputs; c++) {
    const group = Math.floor(c / (inputs / groups));
    for (let o = 0; o < perGroup; o++) {
      const start = (group * perGroup + o) * outHigh;
      for (let ky = 0; ky < kernel[0]; ky++) {
        for (let kx = 0; kx < kernel[1]; kx++) {
          const factor = weight.data[((c * perGroup + o) * kernel[0] + ky) * kernel[1] + kx];
          for (let y = 0; y < height; y++) {
            const row = y * stride[0] - before[0] + ky * dilation[0];
            if (row < 0 || row >= outHigh) continue;
            for (let x = 0; x < width; x++) {
              const column = x * stride[1] - before[1] + kx * dilation[1];
              if (column < 0 || column >= outWide) continue;
              sums[(start + row) * outWide + column] += factor * given.data[(c * height + y) * width + x];
            }
          }
        }
      }
    }
  }
  const positions = outHigh * outWide;
  for (let i = 0; i < sums.length; i++) result.data[i] = sums[i] + (bias ? bias.data[Math.floor(i / positions)] : 0);
  return result;
}

/** dense: weight (out, in) on a flat vector. */
function dense(operation, given) {
  const { weight, bias } = operation;
  const result = emptyMap(operation.shape);
  const terms = weight.shape[1];
  for (let output = 0; output < weight.shape[0]; output++) {
    let sum = bias ? bias.data[output] : 0;
    for (let i = 0, at = output * terms; i < terms; i++, at++) sum += weight.data[at] * given.data[i];
    result.data[output] = sum;
  }
  return result;
}
