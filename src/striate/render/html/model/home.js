"use strict";
// Where the page is at home: a document of its own. A widget of a notebook has another home (widget.js).

/**
 * `root` finds elements by their id, `box` bears marks, `drops` is where pictures are dropped and pasted; `facts` and
 * `tensors` are the network, `engine` the text of what computes it, `inline` the same as a function, or null;
 * `first` a picture to begin with, or null; `told(name, value)` hears of what is found, where anybody does.
 */
const home = {
  root: document,
  box: document.body,
  drops: window,
  facts: JSON.parse(document.getElementById("program").textContent),
  tensors: document.getElementById("tensors").textContent.trim(),
  engine: document.getElementById("engine").textContent,
  inline: null,
  first: null,
  told: () => {},
};
