"use strict";
// All maps of a layer in one drawing, on one scale; a pixel of any of them is chosen by pointer, touch or keys.

const GAP = 6;
const EDGE = 3; // around all maps, so that the frame of one is whole
const FEW = 64; // maps that are shown at first; of more those that answer most

/** The drawing of a layer's maps. `chosen(channel, row, column)` is called when a pixel is chosen. */
class MapSheet {
  constructor(canvas, chosen) {
    this.canvas = canvas;
    this.chosen = chosen;
    this.at = null;
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.#point(event));
    canvas.addEventListener("pointerdown", (event) => this.#point(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.map && this.#draw()).observe(canvas.parentElement);
  }

  /** Show a map {shape, data}; `order` are its channels, strongest first, `all` whether all of them are shown, `place` what is chosen, or null. */
  show(map, order, all, place) {
    const [channels, high, wide] = map.shape.length === 3 ? map.shape : [1, ...folded(map.shape[0])];
    const shown = all || channels <= FEW ? Array.from({ length: channels }, (_, c) => c) : order.slice(0, FEW);
    const same = this.map && this.high === high && this.wide === wide && this.at && shown.includes(this.at.channel);
    Object.assign(this, { map, channels, high, wide, shown, scale: scaleOf(map.data), flat: map.shape.length !== 3 });
    if (place) this.at = this.#placed(place);
    else if (!same) this.at = this.#brightest();
    this.#draw();
    this.#tell();
  }

  /** Return a place [channel, row, column] that is chosen from outside; its map is shown, whatever else is. */
  #placed([channel, row, column]) {
    if (this.flat) return { channel: 0, row: Math.floor(channel / this.wide), column: channel % this.wide };
    if (!this.shown.includes(channel)) this.shown = [channel, ...this.shown];
    return { channel, row, column };
  }

  #brightest() {
    const channel = this.shown[0];
    const start = channel * this.high * this.wide;
    const last = this.flat ? this.map.data.length : start + this.high * this.wide;
    let best = start;
    for (let i = start; i < last; i++) if (this.map.data[i] > this.map.data[best]) best = i;
    return { channel, row: Math.floor((best - start) / this.wide), column: (best - start) % this.wide };
  }

  #tell() {
    const { channel, row, column } = this.at;
    if (this.flat) this.chosen(row * this.wide + column, 0, 0);
    else this.chosen(channel, row, column);
  }

  /** Lay the maps out: as large as there is room for, whole pixels where they are enlarged. */
  #layout() {
    const room = this.canvas.parentElement.clientWidth - 8 - 2 * EDGE; // less the padding of the sheet
    const few = room < 480 ? 62 : 84;
    const wanted = this.shown.length === 1 ? Math.min(room, 280) : this.shown.length <= 6 ? 150 : few;
    const zoom = Math.max(1, Math.floor(Math.min(wanted, room) / Math.max(this.high, this.wide)));
    const shrink = Math.min(1, room / this.wide, this.shown.length > 6 ? (few * 10) / 7 / Math.max(this.high, this.wide) : 1);
    this.tile = { high: Math.max(8, Math.round(this.high * zoom * shrink)), wide: Math.max(8, Math.round(this.wide * zoom * shrink)) };
    this.across = Math.max(1, Math.min(this.shown.length, Math.floor((room + GAP) / (this.tile.wide + GAP))));
    const down = Math.ceil(this.shown.length / this.across);
    return [this.across * (this.tile.wide + GAP) - GAP + 2 * EDGE, down * (this.tile.high + GAP) - GAP + 2 * EDGE];
  }

  #draw() {
    const { canvas, tile } = this;
    const [width, height] = this.#layout();
    const sharp = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    context.imageSmoothingEnabled = this.tile.wide < this.wide;
    const one = new OffscreenCanvas(this.wide, this.high);
    const places = this.high * this.wide;
    this.shown.forEach((channel, index) => {
      const [x, y] = this.#corner(index);
      const data = this.flat ? filledTo(this.map.data, places) : this.map.data;
      one.getContext("2d").putImageData(imageOf(data, this.flat ? 0 : channel * places, this.high, this.wide, this.scale), 0, 0);
      context.drawImage(one, x, y, this.tile.wide, this.tile.high);
    });
    this.#drawCursor(context);
    canvas.setAttribute("aria-label", `${this.flat ? `${this.map.shape[0]} numbers` : `${this.shown.length} of ${this.channels} maps of ${this.high} by ${this.wide}`}; arrow keys move from pixel to pixel, Page Up and Page Down from map to map`);
  }

  #drawCursor(context) {
    const [x, y] = this.#corner(this.shown.indexOf(this.at.channel));
    const [wide, high] = [this.tile.wide / this.wide, this.tile.high / this.high];
    const box = [x + this.at.column * wide, y + this.at.row * high, wide, high];
    const style = getComputedStyle(this.canvas);
    context.lineWidth = 2;
    context.strokeStyle = style.getPropertyValue("--c0");
    context.strokeRect(x - 1.5, y - 1.5, this.tile.wide + 3, this.tile.high + 3);
    for (const [line, colour] of [[4, "#fff"], [1.8, "#000"]]) {
      context.lineWidth = line;
      context.strokeStyle = colour;
      context.strokeRect(...box);
    }
  }

  #corner(index) {
    return [EDGE + (index % this.across) * (this.tile.wide + GAP), EDGE + Math.floor(index / this.across) * (this.tile.high + GAP)];
  }

  #point(event) {
    if (!this.map) return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - EDGE, event.clientY - box.top - EDGE];
    const [across, down] = [Math.floor(x / (this.tile.wide + GAP)), Math.floor(y / (this.tile.high + GAP))];
    const index = down * this.across + across;
    if (across < 0 || across >= this.across || index < 0 || index >= this.shown.length) return;
    const row = Math.floor(((y - down * (this.tile.high + GAP)) / this.tile.high) * this.high);
    const column = Math.floor(((x - across * (this.tile.wide + GAP)) / this.tile.wide) * this.wide);
    this.#move({ channel: this.shown[index], row, column });
  }

  #key(event) {
    if (!this.map) return;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    if (!step && !turn) return;
    event.preventDefault();
    const place = this.shown.indexOf(this.at.channel) + (turn ?? 0);
    const [down, across] = step ?? [0, 0];
    const channel = this.shown[Math.min(this.shown.length - 1, Math.max(0, place))];
    this.#move({ channel, row: this.at.row + down, column: this.at.column + across });
  }

  #move({ channel, row, column }) {
    if (row < 0 || row >= this.high || column < 0 || column >= this.wide) return;
    if (this.flat && row * this.wide + column >= this.map.shape[0]) return;
    const { at } = this;
    if (at.channel === channel && at.row === row && at.column === column) return;
    this.at = { channel, row, column };
    this.#draw();
    this.#tell();
  }
}

/** Return rows and columns of a flat vector that is folded so that it is seen at once. */
function folded(length) {
  const wide = length <= 12 ? length : Math.ceil(Math.sqrt(2 * length));
  return [Math.ceil(length / wide), wide];
}

function filledTo(data, length) {
  const result = new Float32Array(length);
  result.set(data);
  return result;
}
