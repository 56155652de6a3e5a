// The page of a bare name: finds out whose it is, and goes to that server's bookmark; or says what else there is.

import { get, problemOf } from "./api.js";
import { begun } from "./foreign.js";
import { NEAR, near } from "./near.js";
import { TEXT, shown } from "./words.js";

const PATIENCE_MS = 30_000; // every cloud is asked, and has five seconds; a list of servers may have to come first
const LISTED = 1000; // servers that a name is compared with
const CAPTIONS = { meant: "Servers of this name", near: "Servers with a similar name" };

const part = (id) => document.getElementById(id);
const { name, listed } = part("named").dataset; // both percent-encoded by the gateway
const called = decoded(name);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not UTF-8
  }
}

function say(id, text) {
  part(id).textContent = text ? shown(String(text), TEXT) : "";
}

/** Go on: nobody wants to come back to this page. */
function go(path) {
  location.replace(path);
}

async function look() {
  const reply = await get(`/api/v1/servers/${name}`, PATIENCE_MS).catch(() => null);
  if (reply?.ok && reply.body?.path) return go(reply.body.path + location.search);
  if (listed && reply?.status !== 409) return go(listed); // no server, but a cloud of this name
  if (!reply) return tell({ title: "The gateway does not answer.", hint: "Is your tunnel to it still open?" }, true);
  const problem = problemOf(reply);
  if (problem.candidates) return offer(problem);
  if (reply.status === 404) return suggest(problem);
  return tell(problem, true);
}

/** Say what is wrong; `again`: it may be over by now. */
function tell(problem, again) {
  say("title", problem.title);
  say("detail", problem.detail);
  say("hint", problem.hint);
  say("request", problem.request_id && `Request id: ${problem.request_id}`);
  part("request").hidden = !problem.request_id;
  part("acts").hidden = !again;
  document.title = `${shown(called)} · ${shown(problem.title)}`;
  document.documentElement.dataset.state = "failed";
}

/** Several servers have this name: let the person choose. */
function offer(problem) {
  tell({ ...problem, hint: "Choose the one that is meant: its page’s address is a bookmark of that very server." }, false);
  list("meant", problem.candidates);
}

/** No server has this name: show those with a similar one, as far as they are known. */
async function suggest(problem) {
  tell(problem, false);
  for (const query of [{ q: called, limit: NEAR }, { limit: LISTED }]) {
    const reply = await get(`/api/v1/servers?${new URLSearchParams(query)}`).catch(() => null);
    const found = reply?.ok ? near(called, reply.body.servers) : [];
    if (found.length) {
      say("hint", "Servers with a similar name:");
      return list("near", found);
    }
  }
}

function list(what, servers) {
  say("caption", CAPTIONS[what]);
  part("servers").querySelector("tbody").replaceChildren(...servers.map(row));
  part("servers").hidden = servers.length === 0;
}

function cell(className, ...content) {
  const made = document.createElement("td");
  made.role = "cell";
  made.className = className;
  made.append(...content);
  return made;
}

function row(server, place) {
  const link = document.createElement("a");
  link.href = server.path + location.search;
  link.textContent = shown(server.name || server.id);
  link.setAttribute("aria-describedby", `server-${place}`);
  const isolated = document.createElement("bdi");
  isolated.append(link);
  const id = document.createElement("code");
  id.id = `server-${place}`;
  id.className = "fine";
  id.textContent = shown(server.id);
  const state = cell("state", shown(server.status));
  state.dataset.status = server.status;
  const made = document.createElement("tr");
  made.role = "row";
  made.append(cell("", isolated, id), cell("cloud", shown(server.cloud)), state);
  return made;
}

part("again").addEventListener("click", () => {
  part("title").focus(); // the button goes
  part("acts").hidden = true;
  say("title", `Looking for ${called} …`);
  for (const id of ["detail", "hint"]) say(id, "");
  part("request").hidden = true;
  document.documentElement.dataset.state = "looking";
  look();
});
begun();
look();
