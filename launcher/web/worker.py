"""The service worker that removes itself: the answer to every request for one.

The gateway registers none. A browser that asks for one has it from another program, which held the gateway's address
before: such a worker answers every page of the address without asking the gateway, for as long as it is registered.
But a browser looks for a newer version of a worker's script after each navigation that the worker answered, by a
request which the worker does not see and which says `Service-Worker: script` (Service Workers §8.5, step "append
Service-Worker/script"). The answer is the newer version: it takes the place of the old one, removes the registration
and what the old one kept, and opens the pages anew, which are the gateway's own then.

The new version is refused where the registration's scope reaches beyond the script's folder, unless
`Service-Worker-Allowed` allows it (§9.1, tried in Chromium): it allows everything here, to a worker that goes at once.

What is answered tells nothing, so that it is the same for every account.
"""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

REMOVED: Final = "console-launcher: a foreign service worker was removed"
"""The empty cache by which the worker lets the gateway's page know; `foreign.js` has the same words."""

SCRIPT: Final = f"""\
// This address belongs to console-launcher, which has no service worker. This one removes the one that was here.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave() {{
  await clients.claim();
  const pages = await clients.matchAll({{ type: "window" }});
  await registration.unregister();
  for (const name of await caches.keys()) await caches.delete(name);
  await caches.open("{REMOVED}");
  await Promise.allSettled(pages.map((page) => page.navigate(whole(page.url))));
}}

/** Without its fragment: with one it would be a place in the page that is open already. */
function whole(url) {{
  const address = new URL(url);
  address.hash = "";
  return address.href;
}}
"""


def asks_for_worker(request: web.Request) -> bool:
    """Whether a browser asks for the script of a service worker."""
    return request.method == hdrs.METH_GET and request.headers.get("Service-Worker", "").strip().lower() == "script"


def farewell_worker() -> web.Response:
    """The script; kept nowhere, and the connection ends with it."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "Service-Worker-Allowed": "/"}
    response = web.Response(text=SCRIPT, content_type="text/javascript", headers=headers)
    response.force_close()
    return response
