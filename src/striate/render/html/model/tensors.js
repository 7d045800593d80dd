"use strict";
// The text of the page -> tensors. What packed them: striate/export/page_tensors.py.

/**
 * Unpack the text (gzip in base64) into whole numbers of 16 bits and float32 ones.
 * First come the high bytes of the whole numbers, then their low bytes, then the float32 ones.
 */
async function unpackTensors(text, counts) {
  const packed = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const whole = new Int16Array(counts.whole);
  for (let i = 0; i < whole.length; i++) whole[i] = (bytes[i] << 8) | bytes[whole.length + i];
  const exact = new Float32Array(bytes.slice(2 * whole.length, 2 * whole.length + 4 * counts.exact).buffer);
  return { whole, exact };
}

/** Return one tensor as {shape, data: Float32Array}; `where` says where it lies (`Packed.add`). */
function readTensor(tensors, where) {
  const size = where.shape.reduce((a, b) => a * b, 1);
  if ("exact" in where) return { shape: where.shape, data: tensors.exact.subarray(where.exact, where.exact + size) };
  const data = new Float32Array(size);
  const outputs = where.shape[where.axis];
  const inner = where.shape.slice(where.axis + 1).reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const output = Math.floor(i / inner) % outputs;
    data[i] = tensors.whole[where.whole + i] * tensors.exact[where.scales + output];
  }
  return { shape: where.shape, data };
}

/** Give every operation of a program, and what makes its answer, their tensors in place of where they lie. */
function giveTensors(program, tensors) {
  for (const operation of program.operations) {
    for (const name of ["weight", "bias", "scale", "shift", "prototypes"]) {
      if (operation[name]) operation[name] = readTensor(tensors, operation[name]);
    }
  }
  const unknown = program.answer.unknown;
  if (unknown) unknown.stored = readTensor(tensors, unknown.stored);
}

/** Return a map of zeros: {shape: [C, H, W] or [C], data}. */
function emptyMap(shape) {
  return { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

/** Return channels, height and width; a flat vector is a map of one position. */
function sizes(map) {
  return map.shape.length === 3 ? map.shape : [map.shape[0], 1, 1];
}
