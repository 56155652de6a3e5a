// The list of servers: each cloud is asked for itself, so that a slow one holds up no other; searching asks nobody.

import { get, problemOf } from "./api.js";
import { bookmarkButton } from "./bookmark.js";
import { begun } from "./foreign.js";
import { add, entries, matching, merged } from "./search.js";
import { TEXT, shown } from "./words.js";

const PAGE = 1000; // servers a request
const STEP = 200; // rows shown at once
const AT_ONCE = 4; // requests: a browser makes six for each gateway, and other tabs want some
const FRESH_MS = 30_000;
const OLD_S = 5; // servers as old are asked for anew, for whoever looks the next time
const SOON_MS = 2000; // so that is soon
const EAGER = 3; // times in a row: a cloud may take long
const CLOUD_MS = 90_000; // longer than the gateway itself waits for a cloud
const part = (id) => document.getElementById(id);
const field = part("q");
const rows = document.querySelector("#servers tbody");
const more = part("more");

let clouds = new Map(); // name → {found: entries, problem, asOf, tag, waiting, refreshing}
let all = []; // the entries of all clouds, in order
let refused = null; // the problem of the gateway itself
let limit = STEP;
let drawn = "";
let page = []; // the entries that have a row
let askedAt = 0;
let asking = false;
let eager = 0;

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
    eager = eager < EAGER && [...clouds.values()].some((cloud) => cloud.refreshing) ? eager + 1 : 0;
    draw();
    document.documentElement.dataset.state = "ready";
  }
}

async function askAll(names) {
  const known = clouds;
  clouds = new Map(names.map((name) => [name, known.get(name) ?? { found: [], problem: null, waiting: true }]));
  if (known.size) arrange(); // a cloud may be gone
  draw();
  const queue = [...names];
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue)));
}

async function work(queue) {
  while (queue.length) {
    const name = queue.shift();
    const cloud = clouds.get(name);
    const before = cloud.found;
    Object.assign(cloud, await ask(name, cloud), { waiting: false });
    if (cloud.found !== before) arrange();
    draw();
  }
}

function arrange() {
  all = merged([...clouds.values()].map((cloud) => cloud.found));
}

/** What the gateway knows of a cloud; where it knows nothing or does not answer, the servers that were known stay. */
async function ask(cloud, known) {
  const servers = [];
  let first = null;
  let marker = null;
  do {
    const query = new URLSearchParams({ cloud, limit: String(PAGE), ...(marker === null ? {} : { marker }) });
    const reply = await get(`/api/v1/servers?${query}`, CLOUD_MS, first ? null : known.tag).catch(() => null);
    if (reply?.status === 304) return { refreshing: reply.age >= OLD_S }; // not one of its servers has changed
    if (!reply?.ok || !reply.body) return { problem: complaint(reply), asOf: null, tag: null };
    first ??= reply;
    add(servers, reply.body.servers);
    marker = reply.body.next_marker;
  } while (marker !== null);
  const { errors, as_of: asOf, refreshing } = first.body;
  return {
    found: asOf[cloud] ? entries(servers) : known.found,
    problem: errors[0] ?? null,
    asOf: asOf[cloud] ?? null,
    tag: first.tag,
    refreshing: refreshing.includes(cloud),
  };
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

function row({ server }) {
  const link = element("a", shown(server.name || server.id));
  link.href = server.path;
  link.title = server.id;
  const isolated = document.createElement("bdi");
  isolated.append(link);
  const name = cell("");
  name.append(isolated);
  const state = cell(shown(server.task_state ? `${server.status} · ${server.task_state}` : server.status), "state");
  state.dataset.status = server.status;
  const acts = cell("", "acts");
  acts.append(bookmarkButton(server));
  const made = document.createElement("tr");
  made.role = "row";
  made.append(name, cell(shown(server.cloud), "cloud"), state, acts);
  return made;
}

function problemLine({ problem, asOf }) {
  const instance = problem.instance && `Instance: ${problem.instance}`;
  const request = problem.request_id && `Request id: ${problem.request_id}`;
  const since = asOf && `Its servers are shown as of ${moment(new Date(asOf))}.`;
  const words = [problem.detail ?? problem.title, since, problem.hint, request, instance].filter(Boolean).join(" ");
  return element("li", shown(problem.cloud && !words.startsWith(problem.cloud) ? `${problem.cloud}: ${words}` : words, TEXT));
}

/** The time, with its day where that is another. */
function moment(when) {
  const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString()} ${time}`;
}

function draw() {
  const found = matching(all, field.value);
  const before = page;
  page = found.slice(0, limit);
  const wrong = [{ problem: refused }, ...clouds.values()].filter((one) => one.problem);
  const now = JSON.stringify([page.map((one) => one.server), found.length, wrong.map((one) => [one.problem, one.asOf])]);
  if (now !== drawn) {
    drawn = now;
    if (before.length && before.every((one, place) => one === page[place])) {
      rows.append(...page.slice(before.length).map(row));
    } else {
      const back = focusIn(rows);
      rows.replaceChildren(...page.map(row));
      back();
    }
    part("problems").replaceChildren(...wrong.map(problemLine));
    part("problems").hidden = wrong.length === 0;
    more.hidden = found.length <= limit;
    more.textContent = `Show more (${found.length - limit})`;
  }
  part("servers").hidden = found.length === 0;
  part("message").textContent = summary(all.length, found.length);
}

/** Gives the focus back to the row, and to what in it had the focus, after all have been made anew. */
function focusIn(list) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const href = focused && linkOf(focused).getAttribute("href");
  return () => {
    const link = focused && links().find((one) => one.getAttribute("href") === href);
    (link && focused.tagName === "BUTTON" ? link.closest("tr").querySelector("button") : link)?.focus();
  };
}

function summary(total, found) {
  const waiting = [...clouds].filter(([, cloud]) => cloud.waiting).map(([name]) => name);
  const servers = `${total} ${total === 1 ? "server" : "servers"}`;
  const count = field.value.trim() ? `${found} of ${servers}` : servers;
  if (waiting.length) return `${total ? `${count}. ` : ""}Waiting for ${waiting.join(", ")} …`;
  if (refused && !total) return "";
  return total && !found ? `No match among ${servers}.` : count;
}

// ---- the person

const links = () => [...rows.querySelectorAll("a")];
const linkOf = (inside) => inside.closest("tr").querySelector("a");

function search() {
  limit = STEP;
  const query = field.value.trim();
  history.replaceState(null, "", query ? `/?q=${encodeURIComponent(query)}` : "/");
  draw();
}

/** Move the focus by `step` rows; above the first is the search field. */
function move(step) {
  const shownNow = links();
  const at = rows.contains(document.activeElement) ? shownNow.indexOf(linkOf(document.activeElement)) : -1;
  const to = Math.min(at + step, shownNow.length - 1);
  if (to < 0) field.focus();
  else shownNow[to]?.focus();
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
setInterval(() => refreshAfter(eager ? SOON_MS : FRESH_MS), 1000);
begun();
refresh();
