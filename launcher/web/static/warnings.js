// Says on the page that its session is about to end by the gateway's limits, one minute before.

import { span } from "./words.js";

const SOON = 60; // seconds
const LATEST = 3600; // seconds: a later end is looked at on the way
const EVERY = 5; // seconds between two looks, while it is soon: a person's input moves the end on
const WHY = {
  idle: (left) => `Nobody has used this screen for a while: it ends in ${left}. Any key or click keeps it.`,
  "time limit": (left) => `This session ends in ${left}: it has lasted as long as one may here. Reconnect begins another.`,
};

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
    const soon = ends.seconds <= SOON;
    if (soon) {
      shown.textContent = WHY[ends.why](span(ends.seconds));
      shown.hidden = false;
    }
    const mine = setTimeout(async () => {
      const later = await look();
      if (timer === mine) begin(later ?? launch);
    }, (soon ? EVERY : Math.min(ends.seconds - SOON, LATEST)) * 1000);
    timer = mine;
  }

  return { begin, stop };
}
