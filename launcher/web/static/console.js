// The console page: opens the WebSocket, hands it to noVNC, and connects again when the line is lost.

import { get, problemOf } from "./api.js";
import { offer } from "./bookmark.js";
import { failing, farewell, look, verdict } from "./ending.js";
import { START, pause, tallied } from "./pace.js";
import { begun } from "./foreign.js";
import * as panel from "./panel.js";
import { Screen } from "./screen.js";
import { tools, watching } from "./tools.js";
import { warnings } from "./warnings.js";
import { closed } from "./words.js";

const POLL_MS = 500;
const SLOW_POLL_MS = 2000; // for launches that wait long
const SLOW_AFTER = 60; // polls
const OPEN_MS = 30_000; // for the handshake, which the gateway answers at once: then the line is dead
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const part = (id) => document.getElementById(id);
const { cloud, server, screenLimit } = part("console").dataset; // percent-encoded by the gateway
const screen = part("screen");
const last = part("last");

let current = null; // the attempt that the page is about
let again = false; // this tab has shown the screen before
let tally = START; // of attempts, for the pace of the next
let waiting = 0; // timer of the next attempt
let met = null; // the server, as the API has it
let glance = null; // looks at a server that is watched
let earliest = 0; // the moment before which a cloud wants no other

const tool = tools(
  () => (current?.connected && !current.over ? current.rfb : null),
  () => (current && !current.over ? connect() : null), // a launch or a session is under way: it begins anew
);
const warning = warnings(() => (current?.connected && !current.over ? launchOf(current) : null));

function launchId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function address(id, anyway) {
  const url = new URL(`/ws/${cloud}/${server}?launch=${id}${anyway ? "&anyway=true" : ""}${watching() ? "&view=only" : ""}`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

function enter(state) {
  if (state !== "connected") warning.stop();
  panel.state(state);
  tool.connected(state === "connected");
}

// ---- one attempt

/** Connect; `anyway` whatever the server's state is. */
function connect(anyway = false) {
  leave();
  enter(again ? "reconnecting" : "launching");
  panel.countdown(null);
  panel.watching(false);
  const id = launchId();
  const socket = new WebSocket(address(id, anyway), ["binary"]);
  const attempt = { id, socket, opened: false, timer: 0, connected: false, shownAt: 0, over: false, problem: null, rfb: null };
  current = attempt;
  attempt.timer = setTimeout(() => socket.close(), OPEN_MS);
  socket.addEventListener("open", () => {
    attempt.opened = true;
    clearTimeout(attempt.timer);
  });
  // Registered before noVNC's own listener, which takes the picture out of the page.
  socket.addEventListener("close", (event) => end(attempt, event.code, event.reason));
  attempt.rfb = join(attempt);
  follow(attempt);
}

function join(attempt) {
  const rfb = new Screen(screen, attempt.socket, { shared: true }, Number(screenLimit));
  tool.apply(rfb);
  rfb.background = "transparent";
  rfb.addEventListener("connect", () => arrive(attempt));
  rfb.addEventListener("disconnect", () => end(attempt, 1005, ""));
  rfb.addEventListener("screenrefused", (event) => {
    attempt.problem = { title: event.detail.why };
  });
  rfb.addEventListener("clipboard", (event) => tool.received(event.detail.text));
  rfb.addEventListener("securityfailure", (event) => {
    attempt.problem = { title: "The screen refused the sign-in.", detail: event.detail.reason };
  });
  rfb.addEventListener("credentialsrequired", (event) => {
    panel.credentials(event.detail.types, (answer) => rfb.sendCredentials(answer));
  });
  rfb.addEventListener("serververification", () => {
    attempt.problem = { title: "The screen wants its key to be checked, which this page does not do." };
    rfb.disconnect();
  });
  return rfb;
}

function arrive(attempt) {
  if (attempt !== current) return;
  attempt.connected = true;
  attempt.shownAt = Date.now();
  again = true;
  last.hidden = true;
  panel.steps(null);
  panel.problem(null);
  panel.credentials(null);
  enter("connected");
  for (const canvas of screen.querySelectorAll("canvas")) canvas.tabIndex = 0; // so that Tab finds the way back
  if (!document.querySelector(":popover-open")) attempt.rfb.focus();
  launchOf(attempt).then((launch) => {
    meet(launch);
    if (attempt === current) warning.begin(launch);
  });
}

/** Show the launch's steps until the screen is there; there is no launch before the gateway has answered. */
async function follow(attempt) {
  const going = () => attempt === current && !attempt.connected && !attempt.over;
  for (let polls = 0; going(); polls += 1) {
    const launch = attempt.opened ? await launchOf(attempt) : null;
    if (launch && going()) tell(launch);
    const counting = typeof launch?.wait_seconds === "number";
    const patience = polls < SLOW_AFTER || counting ? POLL_MS : SLOW_POLL_MS;
    await new Promise((resolve) => setTimeout(resolve, patience));
  }
}

/** How far a launch has come, and what it waits for. */
function tell(launch) {
  meet(launch);
  panel.steps(launch);
  panel.waiting(launch, Date.now());
  if (launch.waiting) enter("waiting");
  else if (document.documentElement.dataset.state === "waiting") enter(again ? "reconnecting" : "launching");
}

async function launchOf(attempt) {
  const reply = await get(`/api/v1/launches/${attempt.id}`).catch(() => null);
  return reply?.ok ? reply.body : null;
}

/** Learn from a launch which server this is: what it is called, and what its bookmarks are. */
function meet(launch) {
  if (!launch?.server) return;
  met = launch.server;
  part("bookmark").disabled = false;
  if (UUID.test(server)) panel.name(met.name);
}

// ---- its end

async function end(attempt, code, reason) {
  if (attempt.over) return;
  attempt.over = true;
  clearTimeout(attempt.timer);
  if (attempt !== current) return;
  tally = tallied(tally, attempt.connected ? (Date.now() - attempt.shownAt) / 1000 : null);
  if (attempt.connected) keepPicture();
  panel.credentials(null);
  enter(again ? "reconnecting" : "launching");
  const { next, problem } = await judge(attempt, code, reason);
  if (attempt !== current) return;
  panel.countdown(null); // of what the launch waited for
  panel.problem(problem);
  if (next === "retry") retry(attempt.opened, problem?.retry_after ?? 0);
  else if (next === "watch") watch(problem.state);
  else enter(next === "done" ? "disconnected" : "failed");
}

/** What comes next, and the problem in words. */
async function judge(attempt, code, reason) {
  if (attempt.problem) return { next: "failed", problem: attempt.problem };
  if (!attempt.opened) return refused();
  const launch = await launchOf(attempt);
  meet(launch);
  if (launch && attempt === current && !attempt.connected) panel.steps(launch);
  const told = farewell(code, reason, launch?.ending);
  const problem = launch?.problem ?? (told ? closed(told.code, told.text) : { title: "The connection was lost." });
  return { next: verdict(told?.code ?? code, again, problem), problem: known(problem) };
}

/** A server that this tab has shown and that nobody knows any more is not one that never was. */
function known(problem) {
  if (!again || problem?.type !== "server-not-found") return problem;
  return { ...problem, title: `${panel.nameShown()} is gone: it was deleted, or has another name by now.` };
}

/** A browser hides why a WebSocket was refused: the API tells. */
async function refused() {
  const reply = await get(`/api/v1/servers/${cloud}/${server}`).catch(() => null);
  if (reply && !reply.ok) {
    const problem = problemOf(reply);
    return { next: failing(reply.status, again, problem), problem: known(problem) };
  }
  const title = reply ? "The gateway did not open the connection." : "The gateway does not answer.";
  return { next: "retry", problem: { title, hint: reply ? null : "Is your tunnel to it still open?" } };
}

function keepPicture() {
  const canvas = screen.querySelector("canvas");
  if (!canvas?.width || !canvas.height) return;
  last.width = canvas.width;
  last.height = canvas.height;
  last.getContext("2d").drawImage(canvas, 0, 0);
  last.hidden = false;
}

/** Connect again after a pause, not before `patience` seconds where the cloud has asked for them. */
function retry(reached, patience) {
  const now = Date.now();
  earliest = now + patience * 1000;
  const due = Math.max(earliest, now + pause(tally, Math.random(), { reached, hidden: document.hidden }) * 1000);
  enter("reconnecting");
  const tick = () => {
    const left = (due - Date.now()) / 1000;
    if (left <= 0) {
      connect();
      return;
    }
    panel.countdown(left);
    waiting = setTimeout(tick, Math.min(1000, left * 1000));
  };
  tick();
}

/** Somebody has to do something with the server first: look at its state, and connect when that is done. */
function watch(state) {
  enter("waiting");
  panel.watching(true);
  const later = () => {
    waiting = setTimeout(glance, look(document.hidden) * 1000);
  };
  glance = async () => {
    const mine = waiting;
    const reply = await get(`/api/v1/servers/${cloud}/${server}`).catch(() => null);
    if (mine !== waiting) return;
    const found = reply?.ok ? reply.body : null;
    if (found ? found.status !== state || found.outlook !== "standing" : reply?.status === 404 || reply?.status === 409) connect();
    else later();
  };
  later();
}

/** The line is back, or the person: no need to wait for the rest of the pause. */
function hurry() {
  if (glance && !document.hidden) {
    clearTimeout(waiting);
    glance();
  }
  const pausing = current?.over && document.documentElement.dataset.state === "reconnecting" && waiting;
  if (pausing && !document.hidden && Date.now() >= earliest) connect();
}

/** Let go of whatever is under way, without a word about it. */
function leave() {
  clearTimeout(waiting);
  waiting = 0;
  glance = null;
  const attempt = current;
  current = null;
  if (!attempt || attempt.over) return;
  if (attempt.connected) keepPicture();
  attempt.over = true;
  clearTimeout(attempt.timer);
  attempt.rfb.disconnect();
}

// ---- the person

function connectNow(anyway) {
  tally = START;
  panel.problem(null);
  panel.steps(null);
  connect(anyway);
}

part("reconnect").addEventListener("click", () => connectNow(false));
part("again").addEventListener("click", () => connectNow(false));
part("anyway").addEventListener("click", () => connectNow(true));
offer(part("bookmark"), () => met);
window.addEventListener("online", hurry);
document.addEventListener("visibilitychange", hurry);

begun();
connect();
