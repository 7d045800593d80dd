// What every module of the page is written with, from one place.
import { h, render, Fragment } from "preact";
import htm from "htm";

export { h, render, Fragment };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal, useComputed, useSignal } from "@preact/signals";

// html`<p>${text}</p>`: whatever is put in is text, never markup.
export const html = htm.bind(h);
