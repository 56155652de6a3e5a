// Texts for a person: strangers' names made harmless, problems and times in words.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const NAME = 300;
export const TEXT = 2000;

/** A name or a text as it may safely be shown: controls and direction overrides as escapes, cut when very long. */
export function shown(text, longest = NAME) {
  const signs = [...text];
  const cut = signs.length > longest ? `${signs.slice(0, longest - 1).join("")}…` : text;
  return cut.replace(UNSEEN, (char) => `\\u${char.codePointAt(0).toString(16).padStart(4, "0")}`);
}

/** Seconds, short: 0.4 s, 12 s. */
export function seconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}

/** What is left of a wait, rounded up: 41 s, 4 min 59 s, 2 h 3 min. */
export function span(left) {
  const all = Math.ceil(left);
  if (all <= 120) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
  const minutes = Math.ceil(all / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment so many seconds from now, as "41 s (03:12:09)"; null where there is none. */
export function until(left, now) {
  if (typeof left !== "number") return null;
  return `${span(left)} (${new Date(now + left * 1000).toLocaleTimeString()})`;
}

/** A problem made of a WebSocket's close reason, for when the gateway told no more. */
export function closed(code, reason) {
  if (code === 1000) return { title: "The server ended the session.", detail: reason };
  const title = reason || "The connection ended.";
  return { title, detail: reason ? null : `WebSocket close code ${code}.` };
}

/** A problem as text, for a ticket: what, where, when, and the ids by which its traces are found. */
export function details(name, address, problem, now) {
  const { title, detail, hint, request_id: request, instance, status } = problem ?? {};
  const lines = [
    `${name}: ${title ?? ""}`,
    detail !== title && detail,
    hint,
    request && `Request id: ${request}`,
    instance && `Instance: ${instance}`,
    status && `Status: ${status}`,
    `Page: ${address}`,
    `Time: ${now.toISOString()}`,
  ];
  return lines.filter(Boolean).map((line) => shown(line, TEXT)).join("\n");
}
