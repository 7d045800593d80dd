"use strict";
// Pooling, resizing and cutting of maps: every channel by itself.

/** Return the part of an axis that window `j` sees: [first, one past the last], within 0..side. */
function reach(j, stride, before, kernel, side) {
  const start = j * stride - before;
  return [Math.max(0, start), Math.min(side, start + kernel)];
}

/** Write every position by `value(data, start of the channel, rows, columns)`, the window cut off at the edges. */
function pooled(operation, given, stride, before, value) {
  const result = emptyMap(operation.shape);
  const [channels, height, width] = given.shape;
  const [, outHigh, outWide] = result.shape;
  const { kernel } = operation;
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < outHigh; y++) {
      const rows = reach(y, stride[0], before[0], kernel[0], height);
      for (let x = 0; x < outWide; x++) {
        const columns = reach(x, stride[1], before[1], kernel[1], width);
        result.data[at++] = value(given.data, c * height * width, width, rows, columns, y, x, c);
      }
    }
  }
  return result;
}

function sumOf(data, start, width, rows, columns) {
  let sum = 0;
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0], at = start + y * width + x; x < columns[1]; x++, at++) sum += data[at];
  }
  return sum;
}

function largestOf(data, start, width, rows, columns) {
  let found = -Infinity;
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0], at = start + y * width + x; x < columns[1]; x++, at++) if (data[at] > found) found = data[at];
  }
  return found;
}

function smallestOf(data, start, width, rows, columns) {
  let found = Infinity;
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0], at = start + y * width + x; x < columns[1]; x++, at++) if (data[at] < found) found = data[at];
  }
  return found;
}

/** By how many positions a mean is divided; zeros of the padding count where the layer says so. */
function meanCount(operation, side, j, axis) {
  const { kernel, stride, before, countPadding } = operation;
  const start = j * stride[axis] - before[axis];
  const stop = Math.min(start + kernel[axis], side + before[axis]);
  return countPadding ? stop - start : Math.max(1, Math.min(stop, side) - Math.max(start, 0));
}

function averagePool(operation, given) {
  const [, height, width] = given.shape;
  return pooled(operation, given, operation.stride, operation.before, (data, start, wide, rows, columns, y, x) => {
    const count = meanCount(operation, height, y, 0) * meanCount(operation, width, x, 1);
    return sumOf(data, start, wide, rows, columns) / count;
  });
}

/** subsample: the mean of a window times a weight plus a bias of the channel. */
function subsample(operation, given) {
  const { kernel, weight, bias } = operation;
  return pooled(operation, given, kernel, [0, 0], (data, start, width, rows, columns, y, x, c) =>
    (weight.data[c] * sumOf(data, start, width, rows, columns)) / (kernel[0] * kernel[1]) + bias.data[c]);
}

/** Return the bin j of k on n positions: floor(j n / k) to ceil((j + 1) n / k). */
function bin(j, bins, side) {
  return [Math.floor((j * side) / bins), Math.ceil(((j + 1) * side) / bins)];
}

/** adaptiveavg and globalavg: the mean of each bin. */
function adaptiveAverage(operation, given) {
  return binned(operation, given, (data, start, width, rows, columns) =>
    sumOf(data, start, width, rows, columns) / ((rows[1] - rows[0]) * (columns[1] - columns[0])));
}

function binned(operation, given, value) {
  const result = emptyMap(operation.shape);
  const [channels, height, width] = sizes(given);
  const [, high, wide] = sizes(result);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < high; y++) {
      for (let x = 0; x < wide; x++) {
        result.data[at++] = value(given.data, c * height * width, width, bin(y, high, height), bin(x, wide, width));
      }
    }
  }
  return result;
}

function cropped(operation, given) {
  const result = emptyMap(operation.shape);
  const [channels, height, width] = given.shape;
  const [, high, wide] = result.shape;
  const [top, left] = operation.margin;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < high; y++) {
      const start = (c * height + y + top) * width + left;
      result.data.set(given.data.subarray(start, start + wide), (c * high + y) * wide);
    }
  }
  return result;
}

/** Return [the position before, the one behind, the share of the latter] that an enlarged position lies between. */
function between(j, factor, side, bilinear) {
  if (!bilinear) return [Math.floor(j / factor), Math.floor(j / factor), 0];
  const place = Math.min(Math.max((j + 0.5) / factor - 0.5, 0), side - 1);
  const first = Math.floor(place);
  return [first, Math.min(first + 1, side - 1), place - first];
}

function upsampled(operation, given) {
  const result = emptyMap(operation.shape);
  const [channels, height, width] = given.shape;
  const [, high, wide] = result.shape;
  const { factor, bilinear } = operation;
  let at = 0;
  for (let c = 0; c < channels; c++) {
    const start = c * height * width;
    for (let y = 0; y < high; y++) {
      const [top, bottom, down] = between(y, factor[0], height, bilinear);
      for (let x = 0; x < wide; x++) {
        const [left, right, across] = between(x, factor[1], width, bilinear);
        const above = given.data[start + top * width + left] * (1 - across) + given.data[start + top * width + right] * across;
        const below = given.data[start + bottom * width + left] * (1 - across) + given.data[start + bottom * width + right] * across;
        result.data[at++] = above * (1 - down) + below * down;
      }
    }
  }
  return result;
}
