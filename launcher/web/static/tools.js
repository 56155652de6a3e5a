// The console page's tools: keys, clipboard, touch keyboard, view only, scale, full screen. They act on the screen that
// `current()` gives, a noVNC RFB or null, and never connect or disconnect by themselves. View only is the gateway's to keep:
// the page connects anew for it.

import { copy, tell } from "./clipboard.js";
import { COMBINATIONS, MODIFIERS, edit, hold, keysOf, keysOfEdit, press } from "./keys.js";

const part = (id) => document.getElementById(id);
const PRESSED = (button) => button.getAttribute("aria-pressed") === "true";
const TYPED_AT_ONCE = 16;
const SCALE = "console-launcher:scale";

let current = () => null;
let watches = () => {};
let held = [];

/** Wire the tools; `screen` gives the RFB of now, `changed` is called when view only is. Returns what the page tells them. */
export function tools(screen, changed) {
  current = screen;
  watches = changed;
  part("combinations").append(...COMBINATIONS.map(combination));
  part("modifiers").append(...MODIFIERS.map(modifier));
  return { apply, connected, received };
}

/** Whether the person only watches. */
export const watching = () => PRESSED(part("view-only"));

function apply(rfb) {
  rfb.viewOnly = watching();
  rfb.scaleViewport = PRESSED(part("scale"));
}

/** A screen is there, or not: what needs one is on offer, or not. */
function connected(yes) {
  for (const id of ["keys", "clipboard", "keyboard"]) part(id).disabled = !yes || watching();
  if (yes && !watching()) return;
  for (const id of ["keys-menu", "clipboard-panel"]) part(id).hidePopover();
  letGo();
}

/** The server copied something. */
function received(text) {
  part("clipboard-text").value = text;
  say("Copied on the server just now.");
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", () => act(made));
  return made;
}

// ---- keys

function combination([label, keys]) {
  return button(label, () => {
    part("keys-menu").hidePopover();
    const rfb = current();
    if (!rfb) return;
    letGo();
    press(rfb, keys);
    rfb.focus();
  });
}

function modifier([label, key]) {
  const made = button(label, () => {
    const down = !PRESSED(made);
    made.setAttribute("aria-pressed", String(down));
    held = down ? [...held, key] : held.filter((one) => one !== key);
    showHeld();
    const rfb = current();
    if (rfb) hold(rfb, key, down);
  });
  made.setAttribute("aria-pressed", "false");
  return made;
}

/** Let go of whatever is held down; a screen that went away has done so by itself. */
function letGo() {
  const rfb = current();
  if (rfb) for (const key of held) hold(rfb, key, false);
  held = [];
  for (const one of part("modifiers").children) one.setAttribute("aria-pressed", "false");
  showHeld();
}

/** Say on the bar what is held down: it changes the meaning of every other key. */
function showHeld() {
  const names = MODIFIERS.filter(([, key]) => held.includes(key)).map(([name]) => name);
  part("keys").classList.toggle("held", names.length > 0);
  part("keys").querySelector("span").textContent = names.length ? `${names.join("-")} held` : "Send keys";
}

/** Ctrl, Alt and Shift together, and no other key: out of the screen, which takes every other key. */
let leaving = false;
part("screen").addEventListener("keydown", watchForLeaving, true);
part("screen").addEventListener("keyup", watchForLeaving, true);

function watchForLeaving(event) {
  const modifier = ["Control", "Alt", "Shift", "Meta"].includes(event.key);
  if (event.type === "keydown") {
    leaving = modifier && event.ctrlKey && event.altKey && event.shiftKey;
  } else if (leaving && !event.ctrlKey && !event.altKey && !event.shiftKey) {
    leaving = false; // all three are up again, also for the server
    current()?.blur();
    if (document.fullscreenElement) showBar(true);
    part(watching() ? "view-only" : "keys").focus();
  }
}

// ---- clipboard

const clipboard = part("clipboard-text");

function say(text) {
  part("clipboard-said").textContent = text;
}

function sendClipboard() {
  part("clipboard-panel").hidePopover();
  const rfb = current();
  if (!rfb) return;
  rfb.clipboardPasteFrom(clipboard.value);
  rfb.focus();
  tell("Sent to the server: paste it there.");
}

part("clipboard-send").addEventListener("click", sendClipboard);
clipboard.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) sendClipboard();
});
clipboard.addEventListener("input", () => say(""));
part("clipboard-type").addEventListener("click", async () => {
  const keys = keysOf(clipboard.value);
  part("clipboard-panel").hidePopover();
  const rfb = current();
  if (rfb) letGo();
  while (rfb && keys.length && rfb === current()) {
    for (const key of keys.splice(0, TYPED_AT_ONCE)) press(rfb, [key]);
    await new Promise((resolve) => setTimeout(resolve, 20)); // a login prompt's queue is short
  }
  rfb?.focus();
});
part("clipboard-copy").addEventListener("click", async () => {
  say((await copy(clipboard.value)) ? "Copied." : "The browser does not allow it: select the text and press Ctrl-C.");
});
part("clipboard-panel").addEventListener("toggle", (event) => {
  if (event.newState === "open") clipboard.focus();
  else say("");
});

// ---- a touch screen's keyboard: it writes into a field, and what it wrote is typed on

const touch = part("touch");
const GUARD = "\u2060".repeat(32); // something for Backspace to take away
let typed = GUARD;

function resetTouch() {
  touch.value = typed = GUARD;
  touch.setSelectionRange(GUARD.length, GUARD.length);
}

part("keyboard").addEventListener("click", () => {
  resetTouch();
  touch.focus({ preventScroll: true });
});
touch.addEventListener("input", (event) => {
  const rfb = current();
  const keys = keysOfEdit(edit(typed, touch.value)); // also of a word that is still being composed
  typed = touch.value;
  if (rfb) for (const key of keys) press(rfb, [key]);
  if (held.length) letGo();
  if (!event.isComposing && typed !== GUARD) resetTouch();
});

// ---- how it is looked at

function toggled(id, act) {
  part(id).addEventListener("click", () => {
    const on = !PRESSED(part(id));
    part(id).setAttribute("aria-pressed", String(on));
    act(on);
    const rfb = current();
    if (!rfb) return;
    apply(rfb);
    connected(true);
    if (id !== "view-only" || !on) rfb.focus();
  });
}

part("view-only").setAttribute("aria-pressed", String(new URLSearchParams(location.search).get("view") === "only"));
part("scale").setAttribute("aria-pressed", String(remembered(SCALE) !== "off"));
toggled("scale", (on) => remember(SCALE, on ? "on" : "off"));
toggled("view-only", (on) => {
  if (on) {
    letGo();
    window.dispatchEvent(new Event("blur")); // noVNC lets go of the keys that are down only as long as it may send
  }
  history.replaceState(null, "", on ? "?view=only" : location.pathname); // a reload keeps it
  watches();
});

/** What this browser remembers for all consoles; nothing where it may not. */
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it is forgotten with the page
  }
}

// ---- full screen: the whole page, the bar hidden behind a handle

function showBar(yes) {
  document.documentElement.dataset.bar = yes ? "open" : "closed";
  part("handle").setAttribute("aria-expanded", String(yes));
}

part("full-screen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
});
part("handle").addEventListener("click", () => showBar(document.documentElement.dataset.bar !== "open"));
part("console").addEventListener("pointerdown", () => showBar(false));
document.addEventListener("fullscreenchange", () => {
  const full = document.fullscreenElement !== null;
  part("full-screen").setAttribute("aria-pressed", String(full));
  showBar(false);
  if (full) navigator.keyboard?.lock?.().catch(() => {}); // Esc, Alt-Tab and Ctrl-W are the server's then
  else navigator.keyboard?.unlock?.();
  current()?.focus();
});
