// Numbers as people say them.
const whole = new Intl.NumberFormat("en");

const PLURALS = { class: "classes", box: "boxes", person: "people" };
export const plural = (number, word) => (number === 1 ? word : PLURALS[word] || `${word}s`);
export const thousands = (number) => whole.format(number);
export const counted = (number, word) => `${whole.format(number)} ${plural(number, word)}`;
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export function clock(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(0)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60), rest = Math.round(seconds % 60);
  if (minutes < 60) return `${minutes}:${String(rest).padStart(2, "0")} min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}

export function about(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} seconds`;
  if (seconds < 3600) {
    const minutes = Math.round(seconds / 30) / 2;
    return `about ${minutes} ${minutes === 1 ? "minute" : "minutes"}`;
  }
  const hours = Math.round(seconds / 360) / 10;
  return `about ${hours} ${hours === 1 ? "hour" : "hours"}`;
}

export function ago(time, now = Date.now() / 1000) {
  const seconds = Math.max(0, now - time);
  if (seconds < 90) return "just now";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(1000 * time).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

export const figure = (value) => (value === null || value === undefined ? "–" : Number(value).toPrecision(3).replace(/\.?0+$/, (zeros) => (zeros.startsWith(".") ? "" : zeros)));
export const lastPart = (path) => path.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || path;

export function bytes(count) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  return `${count} bytes`;
}
