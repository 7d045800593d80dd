// Maps and filters drawn on a canvas: numbers of -127 to 127, packed in base64, one scale for all of a part.
import { html, useEffect, useRef } from "studio/core.js";

export function unpacked({ values, shape }) {
  const bytes = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
  return { shape, numbers: new Int8Array(bytes.buffer) };
}

const dark = matchMedia("(prefers-color-scheme: dark)");

// A number as a colour: blue below zero, orange above, the page's ground at zero. Of maps that are never below: to ink.
export function shade(number, signed) {
  const strength = Math.min(1, Math.abs(number) / 127);
  const ground = dark.matches ? [31, 35, 39] : [243, 244, 242];
  const ink = !signed ? (dark.matches ? [232, 233, 234] : [28, 31, 35]) : number < 0 ? [37, 99, 201] : dark.matches ? [255, 171, 94] : [194, 90, 0];
  return ground.map((one, at) => Math.round(one + (ink[at] - one) * strength));
}

// One channel (height, width) of numbers, or three as colours, at its own size; CSS makes it large with its pixels visible.
export function Drawn({ numbers, height, width, colours, signed, label, side = 56 }) {
  const own = useRef();
  useEffect(() => {
    const context = own.current.getContext("2d"), image = context.createImageData(width, height), size = width * height;
    for (let at = 0; at < size; at += 1) {
      const rgb = colours ? [0, 1, 2].map((channel) => 128 + numbers[channel * size + at]) : shade(numbers[at], signed);
      image.data.set([...rgb, 255], 4 * at);
    }
    context.putImageData(image, 0, 0);
  });
  return html`<canvas ref=${own} class="pixels" width=${width} height=${height} role="img" aria-label=${label} style=${{ width: `${side}px`, height: `${Math.round((side * height) / width)}px` }}></canvas>`;
}
