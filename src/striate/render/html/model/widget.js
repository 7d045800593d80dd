// A widget of a notebook, as anywidget has them: before it stand `engine(self)`, which computes, and `mount(home)`, which shows.

const DARK = ["vscode-dark", "vscode-high-contrast", "dark", "dark-theme"];
const LIGHT = ["vscode-light", "vscode-high-contrast-light", "light", "light-theme"];

/** Say whether the notebook is dark: by the marks of Jupyter, VS Code and marimo, else as the system is. */
function isDark(system) {
  for (const place of [document.body, document.documentElement]) {
    if (place.dataset.jpThemeLight) return place.dataset.jpThemeLight === "false";
    const named = [...place.classList, place.dataset.theme ?? "", place.dataset.vscodeThemeKind ?? ""];
    if (named.some((name) => LIGHT.includes(name))) return false;
    if (named.some((name) => DARK.includes(name))) return true;
  }
  return system.matches;
}

/** Let a place be dark while the notebook is; `ended` is a signal. */
function follow(place, ended) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    place.classList.toggle("dark", isDark(system));
    place.classList.toggle("light", !isDark(system));
  };
  const seen = new MutationObserver(look);
  for (const one of [document.body, document.documentElement]) seen.observe(one, { attributes: true });
  system.addEventListener("change", look, { signal: ended });
  ended.addEventListener("abort", () => seen.disconnect());
  look();
}

/** Return pixels that Python prepared, [height, width, channels] in base64, as a picture to ask about; null without. */
function preparedOf({ pixels }) {
  return pixels && { prepared: Uint8Array.from(atob(pixels), (sign) => sign.charCodeAt(0)) };
}

function render({ model, el }) {
  const ending = new AbortController();
  const place = document.createElement("div");
  const root = place.attachShadow({ mode: "open" });
  root.innerHTML = model.get("_html"); // made by the package itself, whose templates escape every name
  const box = root.querySelector(".model");
  // A notebook takes keys for its own while a cell is chosen; and pictures that are dropped, which stop at the box.
  place.dataset.lmSuppressShortcuts = "true";
  for (const kind of ["keydown", "keyup", "keypress"]) place.addEventListener(kind, (event) => event.stopPropagation());
  el.append(place);
  follow(place, ending.signal);
  const told = (name, value) => {
    model.set(`_${name}`, value);
    model.save_changes();
  };
  const shown = mount({
    root, box, drops: box, told,
    facts: model.get("_facts"),
    tensors: model.get("_tensors"),
    engine: `(${engine})(self)`,
    inline: engine,
    first: preparedOf(model.get("_asked")),
  });
  const asked = () => shown.pictured(preparedOf(model.get("_asked")));
  const opened = () => model.get("_opened").part && shown.openPart(model.get("_opened").part, model.get("_opened").place);
  model.on("change:_asked", asked);
  model.on("change:_opened", opened);
  shown.begun.then(opened);
  return () => {
    model.off("change:_asked", asked);
    model.off("change:_opened", opened);
    ending.abort();
    shown.end();
    place.remove();
  };
}

export default { render };
