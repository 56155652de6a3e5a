// What the end of a WebSocket means. Pure.

const TEMPORARY = new Set([409, 429, 502, 503, 504]);
const WATCH = { seen: 10, hidden: 60 };
const FINAL = new Set([1002, 1003, 1007, 1008, 1009]);

/**
 * "done": it ended before it showed anything, and nothing is wrong; "failed": it will not get better by itself;
 * "retry": connect again; "watch": look at the server's state, and connect when it has a screen. Codes 4xxx are 4000 +
 * the HTTP status that the problem would have had. A tab that has shown the screen before (`again`) waits for servers,
 * clouds and console proxies to come back; a first launch says at once what is wrong, unless it is known when to ask
 * again.
 */
export function verdict(code, again, problem) {
  if (code === 1000) return again ? "retry" : "done"; // not this page's own: it goes without waiting for an answer
  if (code >= 4000) return failing(code - 4000, again, problem);
  return FINAL.has(code) ? "failed" : "retry";
}

/** What the close frame says; where none came, what the gateway would have said, had it not been within a frame. */
export function farewell(code, text, ending) {
  if (code !== 1005 && code !== 1006) return { code, text };
  return ending?.text ? ending : null;
}

/** The same for a request that was refused before the upgrade, by its HTTP status. */
export function failing(status, again, problem) {
  const expected = { standing: "watch", passing: "retry", gone: "failed" }[problem?.outlook];
  if (expected) return expected;
  return TEMPORARY.has(status) && (again || typeof problem?.retry_after === "number") ? "retry" : "failed";
}

/** Seconds between two looks at a server that somebody has to start first. */
export function look(hidden) {
  return hidden ? WATCH.hidden : WATCH.seen;
}
