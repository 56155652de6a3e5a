// Says on the page that its session is about to end by the gateway's limits, one minute before.

import { span } from "./words.js";

const SOON = 60; // seconds; of a short limit the last third
const LATEST = 3600; // seconds: a later end is looked at on the way
const EVERY = 5; // seconds between two looks, while it is soon: a person's input moves the end on
const WHY = {
  idle: "Nobody has used this screen for a while",
  "time limit": "It has lasted as long as a session may here",
};

/** The warning: what keeps the session, or begins another. Of who only looks nothing reaches the gateway. */
function text({ seconds, why }, watching) {
  const keeps = why === "idle" && !watching ? "Any key or click keeps it." : "Reconnect begins another.";
  return `${WHY[why]}: this session ends in ${span(seconds)}. ${keeps}`;
}

/** `look` gives the launch as the API has it now, or null. Returns begin(launch) and stop(). */
export function warnings(look) {
  const shown = document.getElementById("ends");
  let timer = 0;

  function stop() {
    clearTimeout(timer);
    timer = 0;
    shown.hidden = true;
  }

  function begin(launch) {
    stop();
    const ends = launch?.ends;
    if (!ends) return;
    const warned = Math.min(SOON, ends.limit / 3);
    const soon = ends.seconds <= warned;
    if (soon) {
      shown.textContent = text(ends, launch.view_only);
      shown.hidden = false;
    }
    const wait = soon ? Math.min(EVERY, warned / 2) : Math.min(ends.seconds - warned, LATEST);
    const mine = setTimeout(async () => {
      const later = await look();
      if (timer !== mine) return;
      const passed = { ...ends, seconds: Math.max(0, ends.seconds - wait) };
      begin(later ?? { ...launch, ends: passed }); // no answer: as far as one knows
    }, wait * 1000);
    timer = mine;
  }

  return { begin, stop };
}
