"use strict";
// What the network says, as a line and bars.

const SHOWN = 6;

/** Show an answer; `asked(k)` is called when a person wants to know why it says k. */
function showAnswer(learnt, answer, took, chosen, asked) {
  byId("said").replaceChildren(...saidParts(learnt, answer));
  byId("took").textContent = `Computed here in ${took < 10 ? took.toFixed(1) : Math.round(took)} ms.`;
  const rows = answer.kind === "numbers" ? numberRows(learnt, answer) : shareRows(learnt, answer);
  byId("bars").replaceChildren(...rows.map(({ k, cells }) => {
    const why = make("button", { type: "button", className: "quiet-button", ariaPressed: String(k === chosen) }, "why?");
    why.setAttribute("aria-label", `why ${learnt.names[k]}?`);
    why.addEventListener("click", () => asked(k));
    return make("tr", {}, make("th", { scope: "row" }, nameOf(learnt.names[k])), ...cells, make("td", {}, why));
  }));
}

function saidParts(learnt, answer) {
  const percent = (share) => `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)} %`;
  if (answer.kind === "numbers") {
    return answer.numbers.flatMap(({ value, ends }, k) => {
      const unit = learnt.units[k] ? ` ${learnt.units[k]}` : "";
      const between = ends ? ` (${figure(ends[0])} to ${figure(ends[1])}, ${Math.round(100 * learnt.level)} in 100 times)` : " (no interval is known)";
      return [k ? ", " : "", ...(learnt.names.length > 1 ? [nameOf(learnt.names[k]), " "] : []), figure(value) + unit + between];
    });
  }
  if (answer.kind === "tags") {
    const said = answer.order.filter((k) => answer.said[k]);
    if (!said.length) return ["No tag; the closest is ", nameOf(learnt.names[answer.order[0]]), "."];
    return said.flatMap((k, i) => [i ? ", " : "", nameOf(learnt.names[k]), ` ${percent(answer.probabilities[k])}`]);
  }
  const [best] = answer.order;
  if (answer.unknown) return ["None of these. The closest is ", nameOf(learnt.names[best]), `, ${percent(answer.probabilities[best])}.`];
  return [nameOf(learnt.names[best]), `, ${percent(answer.probabilities[best])}`];
}

function shareRows(learnt, answer) {
  return answer.order.slice(0, SHOWN).map((k) => {
    const share = answer.probabilities[k];
    const bar = make("span", { className: "bar" });
    bar.style.width = `${100 * share}%`;
    bar.style.left = "0";
    const track = make("td", { className: "track" }, bar);
    if (learnt.thresholds) {
      const mark = make("span", { className: "cut", title: `said from ${figure(learnt.thresholds[k])} on` });
      mark.style.left = `${100 * learnt.thresholds[k]}%`;
      track.append(mark);
    }
    return { k, cells: [track, make("td", {}, share.toFixed(3))] };
  });
}

function numberRows(learnt, answer) {
  return answer.numbers.map(({ value }, k) => ({ k, cells: [make("td", {}, learnt.units[k] ?? ""), make("td", {}, figure(value))] }));
}

/** Return the answer as plain values: a probability, or a number, by the name of each. */
function byName(learnt, answer) {
  const values = answer.kind === "numbers" ? answer.numbers.map(({ value }) => value) : answer.probabilities;
  return Object.fromEntries(learnt.names.map((name, k) => [name, values[k]]));
}

/** Say beneath the answer how far it can be trusted. */
function trustOf(learnt, answer) {
  if (answer.kind === "classes" && answer.strangeness !== undefined) {
    const { threshold, words } = learnt.unknown;
    const measured = threshold === null ? "" : ` How strange this picture is: ${figure(answer.strangeness)}; from ${figure(threshold)} on it is none of these.`;
    return `“None of these”: ${words}.${measured}`;
  }
  if (answer.kind === "classes") return "It has no “none of these”: whatever it is shown, it answers with one of its classes.";
  return "";
}
