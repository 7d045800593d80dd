// A grid of very many pictures: only those in sight are there. Arrow keys move, Space chooses, Enter opens.
import { html, useEffect, useLayoutEffect, useRef, useState } from "studio/core.js";
import { pictureOf } from "studio/api.js";

const AHEAD = 2; // rows beyond what is in sight

export function Grid({ folder, keys, chosen, choose, open, label, least = 100, gap = 8, marks = {} }) {
  const own = useRef(), from = useRef(0);
  const [seen, setSeen] = useState({ width: 0, first: 0, last: 0 });
  const [at, setAt] = useState(0);
  const across = Math.max(1, Math.floor((seen.width + gap) / (least + gap))), cell = Math.max(least, Math.floor((seen.width - gap * (across - 1)) / across));
  const rows = Math.ceil(keys.length / across), step = cell + gap;
  useLayoutEffect(() => {
    const look = () => {
      const box = own.current.getBoundingClientRect();
      const first = Math.max(0, Math.floor(-box.top / step) - AHEAD), last = Math.ceil((innerHeight - box.top) / step) + AHEAD;
      setSeen((before) => (before.width === box.width && before.first === first && before.last === last ? before : { width: box.width, first, last }));
    };
    look();
    const sized = new ResizeObserver(look);
    sized.observe(own.current);
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      sized.disconnect();
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [step]);
  useEffect(() => { if (at >= keys.length) setAt(Math.max(0, keys.length - 1)); }, [keys]);

  const move = (to) => {
    const next = Math.max(0, Math.min(keys.length - 1, to));
    setAt(next);
    const top = own.current.getBoundingClientRect().top + scrollY + Math.floor(next / across) * step;
    if (top < scrollY + 80) scrollTo({ top: top - 80 });
    else if (top + cell > scrollY + innerHeight - 80) scrollTo({ top: top + cell - innerHeight + 80 });
    requestAnimationFrame(() => requestAnimationFrame(() => own.current?.querySelector(`[data-at="${next}"]`)?.focus({ preventScroll: true })));
    return next;
  };
  const between = (one, other) => keys.slice(Math.min(one, other), Math.max(one, other) + 1);
  const toggle = (place, event) => {
    const next = new Set(chosen);
    if (event.shiftKey) for (const key of between(from.current, place)) next.add(key);
    else if (next.has(keys[place])) next.delete(keys[place]);
    else next.add(keys[place]);
    from.current = place;
    choose(next);
  };
  const press = (event) => {
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -at, End: keys.length - 1 - at, PageDown: 4 * across, PageUp: -4 * across };
    if (event.key in moves) {
      event.preventDefault();
      const next = move(at + moves[event.key]);
      if (event.shiftKey) choose(new Set([...chosen, ...between(from.current, next)]));
      else from.current = next;
    } else if (event.key === " ") {
      event.preventDefault();
      toggle(at, event);
    } else if (event.key === "Enter") open(at);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      choose(new Set(keys));
    } else if (event.key === "Escape") choose(new Set());
  };
  const shown = [];
  for (let place = seen.first * across; place < Math.min(keys.length, (seen.last + 1) * across); place += 1) {
    const key = keys[place], taken = chosen.has(key);
    shown.push(html`<div key=${key} role="option" aria-selected=${taken} aria-setsize=${keys.length} aria-posinset=${place + 1} aria-label=${key} data-at=${place}
      tabindex=${place === at ? 0 : -1} class="cell-of-grid" title=${key} style=${{ left: `${(place % across) * step}px`, top: `${Math.floor(place / across) * step}px`, width: `${cell}px`, height: `${cell}px` }}
      onClick=${(event) => { setAt(place); toggle(place, event); }} onDblClick=${() => open(place)}>
      <img loading="lazy" decoding="async" alt="" src=${pictureOf(folder, key)} />${marks[key] && html`<small>${marks[key]}</small>`}</div>`);
  }
  return html`<div ref=${own} class="grid-of-many" role="listbox" aria-multiselectable="true" aria-label=${label} style=${{ height: `${rows * step}px` }} onKeyDown=${press}>${shown}</div>`;
}
