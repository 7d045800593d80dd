// What the server is asked: get(path, words) and post(path, facts), each with JSON back, or an Error in plain words.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function address(path, words = {}) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(words)) if (value !== undefined && value !== null) said.set(name, value);
  const text = said.toString();
  return text ? `${path}?${text}` : path;
}

async function answered(asked) {
  let reply;
  try {
    reply = await asked;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The studio does not answer. Is striate studio still running in its terminal?");
  }
  if (reply.status === 204) return null;
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(reply.status, said.error || `The studio answered ${reply.status}.`);
  return said;
}

export const get = (path, words, { signal } = {}) => answered(fetch(address(path, words), { signal }));

export const post = (path, facts = {}, { signal } = {}) =>
  answered(fetch(path, { method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify(facts) }));

// The address of a picture of a folder, small, or { large: true }; `mark` changes when it has to be drawn anew.
export const pictureOf = (folder, key, { large, mark } = {}) =>
  address("/picture", { folder, key, large: large ? 1 : undefined, mark });
