// The list of servers: each cloud is asked for itself, so that a slow one holds up no other; searching asks nobody.

import { get, problemOf } from "./api.js";
import { add, matching, sorted } from "./search.js";
import { TEXT, shown } from "./words.js";

const PAGE = 1000; // servers a request
const STEP = 200; // rows shown at once
const AT_ONCE = 4; // requests: a browser makes six for each gateway, and other tabs want some
const FRESH_MS = 30_000;
const CLOUD_MS = 90_000; // longer than the gateway itself waits for a cloud
const part = (id) => document.getElementById(id);
const field = part("q");
const rows = document.querySelector("#servers tbody");
const more = part("more");

let clouds = new Map(); // name → {servers, problem, waiting}
let refused = null; // the problem of the gateway itself
let limit = STEP;
let drawn = "";
let askedAt = 0;
let asking = false;

// ---- asking

async function refresh() {
  asking = true;
  try {
    const reply = await get("/api/v1/clouds").catch(() => null);
    const names = reply?.ok ? reply.body?.clouds?.map((cloud) => cloud.name) : null;
    refused = names ? null : complaint(reply);
    if (names) await askAll(names);
  } finally {
    asking = false;
    askedAt = Date.now();
    draw();
    document.documentElement.dataset.state = "ready";
  }
}

async function askAll(names) {
  const known = clouds;
  clouds = new Map(names.map((name) => [name, known.get(name) ?? { servers: [], problem: null, waiting: true }]));
  draw();
  const queue = [...names];
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue)));
}

async function work(queue) {
  while (queue.length) {
    const name = queue.shift();
    const cloud = clouds.get(name);
    Object.assign(cloud, await ask(name, cloud.servers), { waiting: false });
    draw();
  }
}

/** A cloud's servers, and its problem; where it does not answer, the servers that were known stay. */
async function ask(cloud, known) {
  const servers = [];
  let marker = null;
  do {
    const query = new URLSearchParams({ cloud, limit: String(PAGE), ...(marker === null ? {} : { marker }) });
    const reply = await get(`/api/v1/servers?${query}`, CLOUD_MS).catch(() => null);
    if (!reply?.ok || !reply.body) return { servers: known, problem: complaint(reply) };
    add(servers, reply.body.servers);
    if (reply.body.errors.length) return { servers: servers.length ? servers : known, problem: reply.body.errors[0] };
    marker = reply.body.next_marker;
  } while (marker !== null);
  return { servers, problem: null };
}

function complaint(reply) {
  if (reply && !reply.ok) return problemOf(reply);
  return { title: "The gateway does not answer.", hint: "Is your tunnel to it still open?" };
}

// ---- drawing

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Roles are said because a phone's layout is none of a table's, and browsers forget them then. */
function cell(text, className = "") {
  const made = element("td", text, className);
  made.role = "cell";
  return made;
}

function row(server) {
  const link = element("a", shown(server.name || server.id));
  link.href = server.path;
  link.title = server.id;
  const isolated = document.createElement("bdi");
  isolated.append(link);
  const name = cell("");
  name.append(isolated);
  const state = cell(shown(server.task_state ? `${server.status} · ${server.task_state}` : server.status), "state");
  state.dataset.status = server.status;
  const made = document.createElement("tr");
  made.role = "row";
  made.append(name, cell(shown(server.cloud), "cloud"), state);
  return made;
}

function problemLine(problem) {
  const instance = problem.instance && `Instance: ${problem.instance}`;
  const request = problem.request_id && `Request id: ${problem.request_id}`;
  const words = [problem.detail ?? problem.title, problem.hint, request, instance].filter(Boolean).join(" ");
  return element("li", shown(problem.cloud && !words.startsWith(problem.cloud) ? `${problem.cloud}: ${words}` : words, TEXT));
}

function draw() {
  const all = sorted([...clouds.values()].flatMap((cloud) => cloud.servers));
  const found = matching(all, field.value);
  const wrong = [refused, ...[...clouds.values()].map((cloud) => cloud.problem)].filter(Boolean);
  const now = JSON.stringify([found.slice(0, limit), found.length, wrong]);
  if (now !== drawn) {
    drawn = now;
    const focused = rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    rows.replaceChildren(...found.slice(0, limit).map(row));
    if (focused) links().find((link) => link.getAttribute("href") === focused)?.focus();
    part("problems").replaceChildren(...wrong.map(problemLine));
    part("problems").hidden = wrong.length === 0;
    more.hidden = found.length <= limit;
    more.textContent = `Show more (${found.length - limit})`;
  }
  part("servers").hidden = found.length === 0;
  part("message").textContent = summary(all.length, found.length);
}

function summary(all, found) {
  const waiting = [...clouds].filter(([, cloud]) => cloud.retry_after).map(([name]) => name);
  const count = field.value.trim() ? `${found} of ${all} servers` : `${all} ${all === 1 ? "server" : "servers"}`;
  if (waiting.length) return `${all ? `${count}. ` : ""}Waiting for ${waiting.join(", ")} …`;
  if (refused && !all) return "";
  return all && !found ? `No server among ${all} matches.` : count;
}

// ---- the person

const links = () => [...rows.querySelectorAll("a")];

function search() {
  limit = STEP;
  const query = field.value.trim();
  history.replaceState(null, "", query ? `/?q=${encodeURIComponent(query)}` : "/");
  draw();
}

/** Move the focus by `step` rows; above the first is the search field. */
function move(step) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const to = Math.min(at + step, all.length - 1);
  if (to < 0) field.focus();
  else all[to]?.focus();
}

function toSearch() {
  field.focus();
  field.select();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) move(step);
  else if (event.key === "/" && event.target !== field) toSearch();
  else if (event.key === "Escape" && event.target !== field) toSearch();
  else if (event.key === "Escape" && field.value) {
    field.value = "";
    search();
  } else if (event.key === "Enter" && event.target === field) links()[0]?.click();
  else {
    if (event.key.length === 1 && event.key !== " " && event.target !== field) field.focus(); // and the field gets it
    return;
  }
  event.preventDefault();
});
field.value = new URLSearchParams(location.search).get("q") ?? "";
field.addEventListener("input", search);
part("search").addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => {
  const first = limit;
  limit += STEP;
  draw();
  links()[first]?.focus();
});

/** Ask again where the list is older than this and somebody looks. */
function refreshAfter(age) {
  if (!asking && !document.hidden && Date.now() - askedAt >= age) refresh();
}

document.addEventListener("visibilitychange", () => refreshAfter(FRESH_MS / 3));
setInterval(() => refreshAfter(FRESH_MS), 1000);
refresh();
