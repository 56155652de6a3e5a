// noVNC's RFB with a guard: no canvas is made that costs the browser gigabytes, nor one after another without end.

import RFB from "./novnc/core/rfb.js";

const SPAN_MS = 10_000;
const RESIZES = 40; // in that time; who draws a window's corner makes some ten

/** Why a canvas of this size is not made, for a person; null where it may be. `limit` is in millions of pixels. */
export function refusal(width, height, limit, earlier) {
  if (width * height > limit * 1e6) {
    return `The screen has ${width} x ${height} pixels: more than ${limit} million (relay.screen_limit of the gateway).`;
  }
  return earlier >= RESIZES ? `The screen changes its size without end: ${RESIZES} times in ${SPAN_MS / 1000} s.` : null;
}

/** Fires "screenrefused" with `detail.why`, and disconnects, before such a canvas is made. */
export class Screen extends RFB {
  #limit;
  #times = [];

  constructor(place, channel, options, limit) {
    super(place, channel, options);
    this.#limit = limit;
  }

  // noVNC calls it for every size that the server tells, before anything else is done with it.
  _resize(width, height) {
    if (width === this._fbWidth && height === this._fbHeight) return; // told once more
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < SPAN_MS);
    const why = refusal(width, height, this.#limit, this.#times.length);
    this.#times.push(now);
    if (why) {
      this.dispatchEvent(new CustomEvent("screenrefused", { detail: { why } }));
      this.disconnect();
    } else {
      super._resize(width, height);
    }
  }
}
