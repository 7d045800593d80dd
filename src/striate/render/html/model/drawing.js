"use strict";
// A drawing by pen, finger or mouse, for networks that look at gray pictures.

const SIDE = 280; // of the drawing's canvas
const PEN = 22;
const FILLED = 20 / 28; // of the side: as large as MNIST's digits are, which lie by their centre of mass

/** Let a person draw; `show(picture)` is called with every stroke. Returns {clear, example}. */
function takeDrawing(canvas, isDark, show) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [paper, ink] = isDark ? ["#000", "#fff"] : ["#fff", "#000"];
  canvas.width = canvas.height = SIDE;
  let last = null;
  const clear = () => {
    context.fillStyle = paper;
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  const line = (from, to) => {
    Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: PEN, strokeStyle: ink });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
  };
  const told = () => show(drawn(context, isDark, byId("centre").checked));
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (canvas.dataset.foreign) clear();
    delete canvas.dataset.foreign;
    last = place(event);
    line(last, last);
    told();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const next = place(one);
      line(last, next);
      last = next;
    }
    told();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  byId("centre").addEventListener("change", told);
  clear();
  return {
    clear: () => { clear(); told(); },
    example: () => {
      clear();
      const points = Array.from({ length: 40 }, (_, i) => {
        const turn = i < 20 ? -2.6 + (i / 19) * 4.0 : -1.4 + ((i - 20) / 19) * 4.0;
        return [132 + 48 * Math.cos(turn), (i < 20 ? 92 : 182) + (i < 20 ? 46 : 48) * Math.sin(turn)];
      });
      points.slice(1).forEach((point, i) => line(points[i], point));
      told();
    },
  };
}

/** Return the drawing as a picture; centred, its ink fills as much of it as MNIST's digits do, by the centre of mass. */
function drawn(context, isDark, centred) {
  const whole = context.getImageData(0, 0, SIDE, SIDE);
  if (!centred) return { rgba: whole.data, width: SIDE, height: SIDE };
  let [left, top, right, bottom, mass, massX, massY] = [SIDE, SIDE, 0, 0, 0, 0, 0];
  for (let p = 0; p < SIDE * SIDE; p++) {
    const ink = isDark ? whole.data[4 * p] : 255 - whole.data[4 * p];
    if (ink < 16) continue;
    const [y, x] = [Math.floor(p / SIDE), p % SIDE];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), Math.max(bottom, y + 1)];
    mass += ink;
    massX += ink * (x + 0.5);
    massY += ink * (y + 0.5);
  }
  if (!mass) return { rgba: whole.data, width: SIDE, height: SIDE };
  const scale = (FILLED * SIDE) / Math.max(right - left, bottom - top);
  const moved = new OffscreenCanvas(SIDE, SIDE);
  const to = moved.getContext("2d");
  to.fillStyle = isDark ? "#000" : "#fff";
  to.fillRect(0, 0, SIDE, SIDE);
  to.imageSmoothingQuality = "high";
  to.setTransform(scale, 0, 0, scale, SIDE / 2 - (scale * massX) / mass, SIDE / 2 - (scale * massY) / mass);
  to.drawImage(context.canvas, 0, 0);
  return { rgba: to.getImageData(0, 0, SIDE, SIDE).data, width: SIDE, height: SIDE };
}
