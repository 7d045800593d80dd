"use strict";
// Asks the network: in a worker, or, where the place that we are in forbids one, in the page itself.

/** Start what computes and return what asks it: `ask(call, args)` gives a promise, `ask.end()` ends it. */
function askWorker() {
  const waiting = new Map();
  let count = 0;
  const hear = ({ data: { number, result, error } }) => {
    const { done, failed } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) done(result);
    else failed(new Error(error));
  };
  let post = workerOf(hear, () => {
    post = besideUs(hear);
    for (const [number, { call, args }] of waiting) post({ number, call, args });
  });
  const ask = (call, args = {}) => new Promise((done, failed) => {
    waiting.set(++count, { done, failed, call, args });
    post({ number: count, call, args });
  });
  ask.end = () => post.end?.();
  return ask;
}

/** Return what posts to a worker; `refused()` is called where there may be none: the notebooks of VS Code allow none. */
function workerOf(hear, refused) {
  const address = URL.createObjectURL(new Blob([home.engine], { type: "text/javascript" }));
  let worker;
  try {
    worker = new Worker(address);
  } catch {
    setTimeout(refused);
    return () => {};
  }
  let heard = false;
  worker.onmessage = (event) => {
    if (!heard) URL.revokeObjectURL(address);
    heard = true;
    hear(event);
  };
  worker.onerror = () => !heard && home.inline && refused();
  const post = (message) => worker.postMessage(message);
  post.end = () => worker.terminate();
  return post;
}

/** Return what posts to the network in this very page: the same, but the page waits while it computes. */
function besideUs(hear) {
  const there = { postMessage: (data) => hear({ data }) };
  home.inline(there);
  return (data) => setTimeout(() => there.onmessage({ data }));
}
