// The gateway's JSON API, as far as the pages use it.

/** What `GET path` answers: {ok, status, body}; body is null where it is no JSON. Rejects when nobody answers. */
export async function get(path, signal) {
  const reply = await fetch(path, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    redirect: "error",
    signal,
  });
  const body = await reply.json().catch(() => null);
  return { ok: reply.ok, status: reply.status, body };
}

/** The problem of a refused request, always with a title. */
export function problemOf(reply) {
  const body = reply.body ?? {};
  return { ...body, status: reply.status, title: body.title ?? `The gateway answered ${reply.status}.` };
}
