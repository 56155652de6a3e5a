// What the console page says: states, launch steps, problems. It writes texts and nothing else into the page.

import { copy } from "./clipboard.js";
import { TEXT, details, seconds, shown, span, until } from "./words.js";

const STATES = {
  launching: "Connecting …",
  connected: "Connected",
  waiting: "Waiting …",
  reconnecting: "Reconnecting …",
  failed: "Not connected",
  disconnected: "Disconnected",
};
const part = (id) => document.getElementById(id);

let called = part("name").textContent;
let told = null;
let waits = false; // the panel speaks of what is waited for, not of a problem

function say(id, text) {
  part(id).textContent = text ? shown(String(text), TEXT) : "";
  part(id).hidden = !text;
}

/** Enter one of launching, waiting, connected, reconnecting, failed, disconnected. */
export function state(name) {
  document.documentElement.dataset.state = name;
  if (part("state").textContent !== STATES[name]) part("state").textContent = STATES[name]; // else it is read out again
  part("again").hidden = name !== "failed" && name !== "disconnected";
  part("again").textContent = { disconnected: "Connect again", reconnecting: "Try now" }[name] ?? "Try again";
  title();
}

function title() {
  document.title = `${called} · ${STATES[document.documentElement.dataset.state]}`;
}

/** Show a problem in words, or none. */
export function problem(found) {
  told = found;
  say("headline", found?.title);
  say("detail", found?.detail?.replace(/\.$/, "") === found?.title ? null : found?.detail);
  say("hint", found?.hint);
  part("candidates").replaceChildren(...(found?.candidates ?? []).map(candidate));
  const ids = [found?.request_id && `Request id: ${found.request_id}`, found?.instance && `Instance: ${found.instance}`];
  say("request-id", ids.filter(Boolean).join(" · "));
  part("copy").hidden = !found;
  say("copied", null);
}

/** One of several servers that the address may mean, with the bookmark of this very one. */
function candidate(server) {
  const link = document.createElement("a");
  link.href = server.path + location.search;
  link.textContent = shown(server.name);
  const isolated = document.createElement("bdi");
  isolated.append(link);
  const id = document.createElement("code");
  id.textContent = shown(server.id);
  const line = document.createElement("li");
  line.append(isolated, shown(`${server.cloud} · ${server.status}`), id);
  return line;
}

/** Show how far a launch has come; null clears it. */
export function steps(launch) {
  const lines = (launch?.steps ?? []).map((step) => {
    const line = document.createElement("li");
    line.dataset.state = step.state;
    const took = document.createElement("span");
    took.textContent = typeof step.seconds === "number" ? seconds(step.seconds) : "";
    line.append(shown(step.text ?? step.name, TEXT), took);
    return line;
  });
  part("steps").replaceChildren(...lines);
}

/** Show what a launch waits for, and how long; once it waits no more, what was said before. */
export function waiting(launch, now) {
  const why = launch.waiting;
  if (!why && !waits) return;
  waits = Boolean(why);
  if (!why) {
    problem(told);
    say("countdown", null);
    return;
  }
  const last = launch.steps.at(-1);
  const server = last?.name === "wait";
  say("headline", server ? last.text : `Waiting for ${launch.cloud}`);
  say("detail", server ? null : why);
  say("hint", server ? why : "This page goes on by itself.");
  const end = until(launch.wait_seconds, now);
  say("countdown", end && `Asks again in ${end}`);
}

/** Say that the server is looked at until it has a screen, and offer to try now, whatever its state is. */
export function watching(yes) {
  part("again").hidden = !yes;
  part("again").textContent = "Look now";
  part("anyway").hidden = !yes;
}

/** Say when the next attempt starts, and offer it now; null clears it. */
export function countdown(left) {
  part("again").hidden = left === null;
  say("countdown", left === null ? null : `Next attempt in ${span(left)}`);
}

/** What the page calls the server. */
export const nameShown = () => called;

/** The server's name, once it is known better than by its address. */
export function name(text) {
  called = shown(text);
  part("name").textContent = called;
  part("screen").setAttribute("aria-label", `Screen of ${called}`);
  title();
}

/** Ask for what the screen wants to know of the person; null takes the question away. */
export function credentials(types, answer) {
  const form = part("credentials");
  form.hidden = types === null;
  form.reset();
  if (types === null) return;
  part("username-field").hidden = !types.includes("username");
  part("password-field").hidden = !types.includes("password");
  form.onsubmit = (event) => {
    event.preventDefault();
    form.hidden = true;
    answer({ username: part("username").value, password: part("password").value });
    form.reset();
  };
  form.querySelector("label:not([hidden]) input").focus();
}

part("copy").addEventListener("click", async () => {
  const done = await copy(details(called, location.href, told, new Date()));
  say("copied", done ? "Copied." : "The browser does not allow it: select the text and press Ctrl-C.");
});
