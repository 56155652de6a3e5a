// Keys that a browser or the machine before it keeps for itself, and text as key presses. A key is [keysym, code]:
// X11's number for its meaning (X11/keysymdef.h), and the place on the keyboard (UI Events KeyboardEvent code).

import keysyms from "./novnc/core/input/keysymdef.js";

const CTRL = [0xffe3, "ControlLeft"];
const ALT = [0xffe9, "AltLeft"];
const SUPER = [0xffeb, "MetaLeft"];
const TAB = [0xff09, "Tab"];
const ESCAPE = [0xff1b, "Escape"];
const BACKSPACE = [0xff08, "Backspace"];
const ENTER = [0xff0d, "Enter"];
const f = (number) => [0xffbd + number, `F${number}`];

/** What "Send keys" offers: name → keys, pressed in this order and let go in reverse. */
export const COMBINATIONS = [
  ["Ctrl-Alt-Del", [CTRL, ALT, [0xffff, "Delete"]]],
  ["Ctrl-Alt-Backspace", [CTRL, ALT, BACKSPACE]],
  ["Alt-Tab", [ALT, TAB]],
  ["Alt-F4", [ALT, f(4)]],
  ["Ctrl-Alt-F1", [CTRL, ALT, f(1)]],
  ["Ctrl-Alt-F2", [CTRL, ALT, f(2)]],
  ["Ctrl-Alt-F3", [CTRL, ALT, f(3)]],
  ["Ctrl-Alt-F4", [CTRL, ALT, f(4)]],
  ["Ctrl-Alt-F5", [CTRL, ALT, f(5)]],
  ["Ctrl-Alt-F6", [CTRL, ALT, f(6)]],
  ["Ctrl-Alt-F7", [CTRL, ALT, f(7)]],
  ["Ctrl-W", [CTRL, [0x77, "KeyW"]]],
  ["Ctrl-T", [CTRL, [0x74, "KeyT"]]],
  ["Ctrl-N", [CTRL, [0x6e, "KeyN"]]],
  ["Ctrl-C", [CTRL, [0x63, "KeyC"]]],
  ["Esc", [ESCAPE]],
  ["Tab", [TAB]],
  ["F8", [f(8)]],
  ["F12", [f(12)]],
  ["Print Screen", [[0xff61, "PrintScreen"]]],
];

/** What can be held down while others are pressed; capitals come as themselves and need no Shift. */
export const MODIFIERS = [
  ["Ctrl", CTRL],
  ["Alt", ALT],
  ["Super", SUPER],
];

/** Press all of them, then let them go. */
export function press(rfb, keys) {
  for (const key of keys) rfb.sendKey(...key, true);
  for (const key of keys.toReversed()) rfb.sendKey(...key, false);
}

/** Hold a modifier down, or let it go. */
export function hold(rfb, key, down) {
  rfb.sendKey(...key, down);
}

/** The keys of an edit: Backspace for what is gone, then what was typed. */
export function keysOfEdit({ gone, typed }) {
  return [...Array(gone).fill(BACKSPACE), ...keysOf(typed)];
}

/** The keys of a text, one press each; line ends and tabs are the keys of that name. */
export function keysOf(text) {
  const named = { "\n": ENTER, "\t": TAB };
  return [...text.replaceAll("\r\n", "\n").replaceAll("\r", "\n")].map(
    (char) => named[char] ?? [keysyms.lookup(char.codePointAt(0)), null],
  );
}

/** What an edit did at the end of a field: how many characters are gone, and which came. */
export function edit(before, after) {
  const old = [...before];
  const now = [...after];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same += 1;
  return { gone: old.length - same, typed: now.slice(same).join("") };
}
