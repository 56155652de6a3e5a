// A page's beginning: it shows itself, and throws out what another program at this address has left in the browser.

import { tell } from "./clipboard.js";

const REMOVED = "console-launcher: a foreign service worker was removed"; // launcher/web/worker.py has the same words
const TOLD_MS = 60_000;
const WORDS =
  "Another program that used this address before had left a worker in this browser; it was removed. Tell the gateway’s operator if you do not know that program.";

/** The page's modules are all here: show it. */
export function begun() {
  delete document.documentElement.dataset.loading;
  expel().catch(() => null); // a browser that keeps no site's data has no workers either
}

/** The gateway has no service worker: whatever is registered is another program's. */
async function expel() {
  const workers = navigator.serviceWorker; // not there where the page came over plain http from afar
  if (!workers) return;
  const found = await workers.getRegistrations();
  await Promise.all(found.map((one) => one.unregister()));
  if (found.length) await caches.open(REMOVED);
  if (found.length && workers.controller) location.reload(); // it may have made this page
  else if (await caches.delete(REMOVED)) tell(WORDS, TOLD_MS);
}
