// The list of servers.

import { get, problemOf } from "./api.js";
import { shown } from "./words.js";

const PAGE = 100;
const SETTLE_MS = 250;
const search = document.getElementById("search");
const field = document.getElementById("q");
const rows = document.querySelector("#servers tbody");
const problems = document.getElementById("problems");
const message = document.getElementById("message");
const more = document.getElementById("more");

let asking = new AbortController();
let marker = null;
let timer = 0;

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Browsers take `.` and `..` out of a path even when they are percent-encoded: such servers go by their UUID. */
function bookmark(server) {
  const usable = server.name && server.name !== "." && server.name !== ".." && !/\p{Cs}/u.test(server.name);
  const reference = usable && !server.ambiguous ? server.name : server.id;
  return `/c/${encodeURIComponent(server.cloud)}/${encodeURIComponent(reference)}`;
}

function row(server) {
  const link = element("a", shown(server.name || server.id));
  link.href = bookmark(server);
  link.title = server.id;
  const name = document.createElement("td");
  const isolated = document.createElement("bdi");
  isolated.append(link);
  name.append(isolated);
  const state = server.task_state ? `${server.status} (${server.task_state})` : server.status;
  const status = element("td", shown(state), "status");
  status.dataset.status = server.status;
  const made = document.createElement("tr");
  made.append(name, element("td", shown(server.cloud)), status);
  return made;
}

function problemLine(problem) {
  const instance = problem.instance && `Instance: ${problem.instance}`;
  const words = [problem.detail ?? problem.title, problem.hint, instance].filter(Boolean).join(" ");
  return element("li", problem.cloud && !words.startsWith(problem.cloud) ? `${problem.cloud}: ${words}` : words);
}

/** Two servers of one cloud may bear one name: then the name is no bookmark. */
function markAmbiguous(servers) {
  const count = new Map();
  const key = (server) => JSON.stringify([server.cloud, server.name]);
  for (const server of servers) count.set(key(server), (count.get(key(server)) ?? 0) + 1);
  return servers.map((server) => ({ ...server, ambiguous: count.get(key(server)) > 1 }));
}

function show(body, fresh) {
  const servers = markAmbiguous(body.servers ?? []).map(row);
  const lines = (body.errors ?? []).map(problemLine);
  if (fresh) {
    rows.replaceChildren(...servers);
    problems.replaceChildren(...lines);
  } else {
    rows.append(...servers);
    problems.append(...lines);
  }
  marker = body.next_marker ?? null;
  more.hidden = marker === null;
  const count = rows.childElementCount;
  message.textContent = count ? `${count} shown${marker === null ? "" : ", there are more"}` : "No server found.";
}

async function ask(fresh) {
  asking.abort();
  const own = new AbortController();
  asking = own;
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (field.value.trim()) query.set("q", field.value.trim());
  if (!fresh && marker !== null) query.set("marker", marker);
  document.documentElement.dataset.state = "asking";
  try {
    const reply = await get(`/api/v1/servers?${query}`, own.signal);
    if (own.signal.aborted) return;
    if (reply.ok) show(reply.body ?? {}, fresh);
    else fail([problemOf(reply)]);
  } catch {
    if (own.signal.aborted) return;
    fail([{ title: "The gateway does not answer.", hint: "Is your tunnel to it still open?" }]);
  }
  document.documentElement.dataset.state = "ready";
}

function fail(found) {
  problems.replaceChildren(...found.map(problemLine));
  message.textContent = "";
}

function searchNow() {
  clearTimeout(timer);
  const query = field.value.trim();
  history.replaceState(null, "", query ? `/?q=${encodeURIComponent(query)}` : "/");
  ask(true);
}

field.value = new URLSearchParams(location.search).get("q") ?? "";
field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(searchNow, SETTLE_MS);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  searchNow();
});
more.addEventListener("click", () => ask(false));
ask(true);
