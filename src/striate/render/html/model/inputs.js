"use strict";
// Where pictures come from: a file, dropped or pasted or opened; the camera; a drawing; an example of the page's own.

const MOST_PIXELS = 16e6; // of a canvas: what every browser can hold

/** Return the pixels of a file as it is seen: {rgba, width, height}. */
async function readPicture(blob) {
  const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.round(bitmap.width * shrink)), height = Math.max(1, Math.round(bitmap.height * shrink));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  return { rgba: context.getImageData(0, 0, width, height).data, width, height };
}

/** Open files that are chosen, dropped anywhere at home or pasted. */
function takeFiles(show, trouble) {
  const open = async (file) => {
    if (!file) return;
    try {
      show(await readPicture(file));
    } catch {
      trouble(`${file.name || "what was given"} is no picture that this browser can read; JPEG, PNG, WebP and GIF are.`);
    }
  };
  byId("file").addEventListener("change", ({ target }) => {
    open(target.files[0]);
    target.value = "";
  });
  byId("open").addEventListener("click", () => byId("file").click());
  home.drops.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.stopPropagation();
    home.box.classList.add("dragged");
  });
  for (const end of ["dragleave", "drop"]) home.drops.addEventListener(end, () => home.box.classList.remove("dragged"));
  home.drops.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    open(event.dataTransfer.files[0]);
  });
  home.drops.addEventListener("paste", ({ clipboardData }) => open([...clipboardData.files][0]));
}

/** Show what the camera sees, as fast as the network answers, until asked again: the last picture then stays, explained. `ready()` says when it may be asked. */
function takeCamera(show, ready, trouble) {
  const button = byId("camera");
  if (!navigator.mediaDevices?.getUserMedia) {
    button.hidden = true;
    return () => {};
  }
  let stream = null, last = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    button.textContent = "Camera";
    button.setAttribute("aria-pressed", "false");
  };
  button.addEventListener("click", async () => {
    if (stream) {
      stop();
      if (last) show(last);
      return;
    }
    last = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return trouble("The camera cannot be used here: the browser does not allow it, or there is none.");
    }
    button.textContent = "Stop the camera";
    button.setAttribute("aria-pressed", "true");
    const video = make("video", { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const look = () => {
      if (!stream) return;
      if (ready() && video.videoWidth) {
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        context.drawImage(video, 0, 0);
        const { width, height } = canvas;
        last = { rgba: context.getImageData(0, 0, width, height).data, width, height };
        show(last, true);
      }
      requestAnimationFrame(look);
    };
    look();
  });
  return stop;
}

/** Return a picture of the page's own, drawn here: hills, a sun, a tree. It belongs to no class. */
function examplePicture() {
  const [width, height] = [320, 240];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, "#4d8fd6");
  sky.addColorStop(1, "#f2e3c4");
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  const round = (x, y, radius, colour) => {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  };
  round(252, 56, 24, "#fff4c2");
  round(70, 330, 190, "#4f7d3a");
  round(270, 380, 210, "#3c6630");
  context.fillStyle = "#5b3c22";
  context.fillRect(112, 120, 14, 60);
  for (const [x, y, radius] of [[119, 92, 36], [95, 112, 24], [145, 110, 26]]) round(x, y, radius, "#2f5a27");
  return { rgba: context.getImageData(0, 0, width, height).data, width, height };
}
