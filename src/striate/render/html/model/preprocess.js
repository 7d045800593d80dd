"use strict";
// A picture -> the network's input: what Preprocess.pixels does (striate/data/pictures/preprocess.py), to the bit.
// The resampling is Pillow's (src/libImaging/Resample.c): a filter as wide as the scale, so that nothing is skipped;
// rows first, then columns, rounded to whole numbers after each.

const FILTERS = {
  bilinear: { support: 1, at: (x) => (Math.abs(x) < 1 ? 1 - Math.abs(x) : 0) },
  bicubic: {
    support: 2,
    at: (x) => {
      const size = Math.abs(x);
      if (size < 1) return (1.5 * size - 2.5) * size * size + 1;
      return size < 2 ? ((-0.5 * size + 2.5) * size - 4) * size + 2 : 0;
    },
  },
};
const BITS = 2 ** 22; // weights are whole numbers of this, as Pillow's are
const PADDING = 128;

/** Return for each of `count` results [first input, whole weights...] on the axis from `begin` to `end` of `side`. */
function filterWeights(side, begin, end, count, filter) {
  const scale = (end - begin) / count;
  const wide = Math.max(scale, 1);
  const support = filter.support * wide;
  const found = [];
  for (let j = 0; j < count; j++) {
    const centre = begin + (j + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(side, Math.trunc(centre + support + 0.5));
    const weights = [];
    let sum = 0;
    for (let i = first; i < last; i++) {
      const weight = filter.at((i - centre + 0.5) / wide);
      weights.push(weight);
      sum += weight;
    }
    found.push([first, weights.map((weight) => {
      const share = (sum ? weight / sum : weight) * BITS;
      return share < 0 ? Math.ceil(share - 0.5) : Math.floor(share + 0.5);
    })]);
  }
  return found;
}

function clipped(sum) {
  return Math.min(255, Math.max(0, Math.floor((sum + BITS / 2) / BITS)));
}

/** Resample one axis: `lines` lines of `side` pixels with `step` between these and `apart` between lines. */
function resampleRows(pixels, width, height, channels, weights) {
  const result = new Uint8Array(weights.length * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < weights.length; x++) {
      const [first, factors] = weights[x];
      for (let c = 0; c < channels; c++, at++) {
        let sum = 0;
        for (let i = 0, from = (y * width + first) * channels + c; i < factors.length; i++, from += channels) {
          sum += pixels[from] * factors[i];
        }
        result[at] = clipped(sum);
      }
    }
  }
  return result;
}

function resampleColumns(pixels, width, channels, weights) {
  const row = width * channels;
  const result = new Uint8Array(weights.length * row);
  const sums = new Float64Array(row);
  for (let y = 0; y < weights.length; y++) {
    const [first, factors] = weights[y];
    sums.fill(0);
    for (let i = 0; i < factors.length; i++) {
      const from = (first + i) * row, factor = factors[i];
      for (let x = 0; x < row; x++) sums[x] += pixels[from + x] * factor;
    }
    for (let x = 0; x < row; x++) result[y * row + x] = clipped(sums[x]);
  }
  return result;
}

/** Return the part `box` [left, top, right, bottom] of a picture as `high` x `wide` pixels. */
function resample(picture, high, wide, box, interpolation) {
  const filter = FILTERS[interpolation];
  let { pixels, width, height, channels } = picture;
  const left = Math.max(box[0], 0), top = Math.max(box[1], 0);
  const right = Math.min(box[2], width), bottom = Math.min(box[3], height);
  if (wide !== width || left !== 0 || right !== width) {
    pixels = resampleRows(pixels, width, height, channels, filterWeights(width, left, right, wide, filter));
    width = wide;
  }
  if (high !== height || top !== 0 || bottom !== height) {
    pixels = resampleColumns(pixels, width, channels, filterWeights(height, top, bottom, high, filter));
  }
  return pixels;
}

/** RGBA of a canvas -> {pixels, width, height, channels}: what is transparent lies on white, gray is Pillow's. */
function withChannels(rgba, width, height, channels) {
  const pixels = new Uint8Array(width * height * channels);
  const colour = new Uint8Array(3);
  for (let p = 0, from = 0; p < width * height; p++, from += 4) {
    const alpha = rgba[from + 3];
    for (let c = 0; c < 3; c++) {
      const value = rgba[from + c];
      colour[c] = alpha === 255 ? value : Math.floor((value * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    if (channels === 1) pixels[p] = (colour[0] * 19595 + colour[1] * 38470 + colour[2] * 7471 + 0x8000) >> 16;
    else pixels.set(colour, 3 * p);
  }
  return { pixels, width, height, channels };
}

/** Return where the input lies in a picture: [left, top, right, bottom] in its pixels; of a padded one all of it. */
function inputBox(how, width, height) {
  const share = how.crop_share ?? 1;
  if (how.resize === "pad") return [0, 0, width, height];
  let tall = height * share, wide = width * share;
  if (how.resize === "crop") {
    const scale = share * Math.min(height / how.height, width / how.width);
    tall = Math.min(how.height * scale, height);
    wide = Math.min(how.width * scale, width);
    if (scale === 1) { // nothing is resampled, so the crop begins at a whole pixel
      const left = Math.trunc((width - wide) / 2), top = Math.trunc((height - tall) / 2);
      return [left, top, left + wide, top + tall];
    }
  }
  const left = (width - wide) / 2, top = (height - tall) / 2;
  return [left, top, left + wide, top + tall];
}

/** Return the pixels of the input: height x width x channels whole numbers from 0 to 255. */
function preparedPixels(how, rgba, width, height) {
  const picture = withChannels(rgba, width, height, how.channels);
  if ((how.crop_share ?? 1) === 1 && width === how.width && height === how.height) return picture.pixels;
  const interpolation = how.interpolation ?? "bicubic";
  const box = inputBox(how, width, height);
  if (how.resize !== "pad") return resample(picture, how.height, how.width, box, interpolation);
  const scale = Math.max(height / how.height, width / how.width);
  const tall = Math.min(how.height, Math.max(1, roundEven(height / scale)));
  const wide = Math.min(how.width, Math.max(1, roundEven(width / scale)));
  const part = resample(picture, tall, wide, box, interpolation);
  const result = new Uint8Array(how.height * how.width * how.channels).fill(PADDING);
  const top = Math.floor((how.height - tall) / 2), left = Math.floor((how.width - wide) / 2);
  for (let y = 0; y < tall; y++) {
    const row = part.subarray(y * wide * how.channels, (y + 1) * wide * how.channels);
    result.set(row, ((top + y) * how.width + left) * how.channels);
  }
  return result;
}

/** Round as Python does: halves to the even number. */
function roundEven(x) {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2) : Math.round(x);
}
