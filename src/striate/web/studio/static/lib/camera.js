// The camera of this machine: a square of what it sees, a picture at each press, or five a second while it is held.
import { html, useEffect, useRef, useState } from "studio/core.js";
import { Failed } from "studio/ui.js";

const SIDE = 480, PAUSE = 200;

export function Camera({ take }) {
  const video = useRef(), held = useRef(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let stream = null, gone = false;
    navigator.mediaDevices?.getUserMedia({ video: { width: 640, height: 480 } }).then((found) => {
      stream = found;
      if (gone) return found.getTracks().forEach((track) => track.stop());
      video.current.srcObject = found;
      return video.current.play();
    }, (found) => setError({ message: found.name === "NotAllowedError" ? "The browser does not let this page use the camera." : `There is no camera: ${found.message}` }));
    if (!navigator.mediaDevices) setError({ message: "This browser has no camera." });
    return () => {
      gone = true;
      clearInterval(held.current);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  const shoot = () => {
    const seen = video.current, side = Math.min(seen.videoWidth, seen.videoHeight);
    if (!side) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    canvas.getContext("2d").drawImage(seen, (seen.videoWidth - side) / 2, (seen.videoHeight - side) / 2, side, side, 0, 0, SIDE, SIDE);
    canvas.toBlob((blob) => blob && take(new File([blob], `camera-${Date.now()}.jpg`, { type: "image/jpeg" })), "image/jpeg", 0.92);
  };
  const hold = () => { shoot(); held.current = setInterval(shoot, PAUSE); };
  const rest = () => clearInterval(held.current);
  return html`<div class="camera"><${Failed} error=${error} /><video ref=${video} muted playsinline aria-label="What the camera sees"></video>
    <button class="primary" disabled=${Boolean(error)} onPointerDown=${hold} onPointerUp=${rest} onPointerLeave=${rest} onKeyDown=${(event) => (event.key === " " || event.key === "Enter") && !event.repeat && shoot()}>Hold to take pictures</button></div>`;
}
