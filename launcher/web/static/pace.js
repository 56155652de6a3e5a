// How long a page waits before it connects again. Pure.

const AFTER_A_FALL = [1, 2, 3, 5, 8, 10]; // a boot loop is what somebody wants to watch
const STEADY = 10;

export const START = { falls: 0, failures: 0 };

/**
 * The tally after an attempt has ended that showed a screen for so many seconds, or none (null). `falls`: how often in a
 * row a screen came and fell; `failures`: attempts since, none of which showed one.
 */
export function tallied({ falls, failures }, shown) {
  if (shown === null) return { falls, failures: failures + 1 };
  return { falls: shown < STEADY ? falls + 1 : 1, failures: 0 };
}

/**
 * Seconds before the next attempt, a fifth more or less; `chance` is in 0–1. What has just shown a screen is tried again
 * soon, and costs its cloud nothing while the console is good. Attempts without a screen wait 1, 2, 4 … seconds: what
 * only the gateway hears of comes back soonest; what reaches a cloud costs it a request each time; and nobody looks at a
 * hidden tab.
 */
export function pause({ falls, failures }, chance, { reached, hidden }) {
  const longest = hidden ? 300 : reached ? 120 : 30;
  const failing = failures ? Math.min(longest, 2 ** (failures - (falls ? 0 : 1))) : 0; // a fall was the first
  return Math.max(afterFalls(falls, hidden), failing) * (0.8 + 0.4 * chance);
}

function afterFalls(falls, hidden) {
  if (!falls) return 0;
  return hidden ? Math.min(60, 2 ** (falls - 1)) : AFTER_A_FALL[Math.min(falls, AFTER_A_FALL.length) - 1];
}
