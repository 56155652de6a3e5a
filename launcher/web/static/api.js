// The gateway's JSON API, as far as the pages use it.

const PATIENCE_MS = 10_000;

/**
 * What `GET path` answers: {ok, status, body, tag, age}; body is null where it is no JSON. Rejects when nobody answers, or not
 * whole and in time: a tunnel that stands still keeps its requests for ever. `tag` is that of an answer before: where
 * it would be the same, the status is 304.
 */
export async function get(path, patience = PATIENCE_MS, tag = null) {
  const reply = await fetch(path, {
    headers: { Accept: "application/json", ...(tag ? { "If-None-Match": tag } : {}) },
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(patience),
  });
  const text = await reply.text();
  return { ok: reply.ok, status: reply.status, body: parsed(text), tag: reply.headers.get("ETag"), age: Number(reply.headers.get("Age")) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The problem of a refused request, always with a title. */
export function problemOf(reply) {
  const body = reply.body ?? {};
  return { ...body, status: reply.status, title: body.title ?? `The gateway answered ${reply.status}.` };
}
