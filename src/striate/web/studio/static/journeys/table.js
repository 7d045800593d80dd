// The journeys, one line each: the word of the address, what it is called, what it asks, and the module that shows it.
export const JOURNEYS = [
  { name: "pictures", title: "Pictures", asks: "What does it learn from?", load: () => import("./pictures.js") },
  { name: "network", title: "Network", asks: "What looks at them?", load: () => import("./network.js") },
  { name: "train", title: "Train", asks: "How does it learn?", load: () => import("./train.js") },
  { name: "judge", title: "Judge", asks: "What is it worth?", load: () => import("./judge.js") },
  { name: "ask", title: "Ask", asks: "What does it say, and why?", load: () => import("./ask.js") },
  { name: "look", title: "Look inside", asks: "How does it come to that?", load: () => import("./look.js") },
  { name: "compare", title: "Compare", asks: "Which is better?", load: () => import("./compare.js") },
  { name: "find", title: "Find", asks: "What is alike?", load: () => import("./find.js") },
  { name: "ship", title: "Ship", asks: "Where does it go?", load: () => import("./ship.js") },
];
