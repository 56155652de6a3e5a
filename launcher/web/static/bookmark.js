// "Copy bookmark": a menu with the two ways to name a server for years, each as a whole address of this gateway.

import { copy, tell } from "./clipboard.js";
import { shown } from "./words.js";

const SHAPE = "M5.5 2.5h9v15L10 13.5 5.5 17.5z";
const GAP = 4;
const SVG = "http://www.w3.org/2000/svg";

let menu = null; // one for the page
let opener = null; // the button that it is open for

/** A button that offers the bookmarks of `server`: {name, by_name, by_id} as the API has them. */
export function bookmarkButton(server) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "bookmark";
  button.title = "Copy bookmark";
  button.setAttribute("aria-label", `Copy bookmark of ${shown(server.name)}`);
  button.append(picture());
  offer(button, () => server);
  return button;
}

/** Let a button open the choice; `server()` gives the server of that moment. */
export function offer(button, server) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const again = opener === button;
    close();
    if (!again) open(button, choices(server()));
  });
}

/** What there is to choose: what it stands for, and the path. A name that is not one server's own is no choice. */
export function choices({ by_name: byName, by_id: byId }) {
  const named = byName ? [["Whoever bears this name", byName]] : [];
  return [...named, ["This very server", byId]];
}

function picture() {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [["class", "icon"], ["viewBox", "0 0 20 20"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPE);
  svg.append(path);
  return svg;
}

function item([label, path]) {
  const made = document.createElement("button");
  const address = document.createElement("span");
  address.className = "fine";
  address.textContent = path;
  made.type = "button";
  made.role = "menuitem";
  made.tabIndex = -1;
  made.append(label, address);
  made.addEventListener("click", async () => {
    close();
    const done = await copy(location.origin + path);
    tell(done ? "Copied" : "The browser does not allow it: open the server and copy its page’s address.");
  });
  return made;
}

// ---- the menu

const items = () => [...menu.querySelectorAll("button")];

function open(button, offered) {
  menu ??= make();
  (button.closest("main, header") ?? document.body).append(menu); // beside it for those who hear the page
  menu.setAttribute("aria-label", button.getAttribute("aria-label") ?? "Copy bookmark");
  const heading = document.createElement("p");
  heading.className = "fine";
  heading.textContent = "Copy the bookmark of";
  heading.ariaHidden = "true"; // the menu's own name says it
  menu.replaceChildren(heading, ...offered.map(item));
  menu.showPopover();
  place(button.getBoundingClientRect());
  opener = button;
  button.setAttribute("aria-expanded", "true");
  items()[0].focus();
}

function make() {
  const made = document.createElement("div");
  made.id = "bookmarks";
  made.role = "menu";
  made.popover = "manual";
  made.addEventListener("keydown", steer);
  made.addEventListener("focusout", (event) => {
    if (opener && event.relatedTarget !== opener && !made.contains(event.relatedTarget)) close(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (opener && !made.contains(event.target) && !opener.contains(event.target)) close(false);
  });
  window.addEventListener("scroll", () => close(false), { passive: true });
  return made;
}

/** Below the button, or above it where there is more room; a phone's style sheet has its own mind. */
function place({ right, top, bottom }) {
  const below = bottom + GAP + menu.offsetHeight <= innerHeight;
  menu.style.setProperty("--right", `${document.documentElement.clientWidth - right}px`);
  menu.style.setProperty("--top", `${below ? bottom + GAP : Math.max(0, top - GAP - menu.offsetHeight)}px`);
}

function close(back = true) {
  if (!opener) return;
  const button = opener;
  opener = null;
  button.setAttribute("aria-expanded", "false");
  menu.hidePopover();
  if (back && button.isConnected) button.focus();
}

/** Keys inside are the menu's own: the page's would search or move through the list. */
function steer(event) {
  event.stopPropagation();
  const all = items();
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) all[to % all.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else return;
  event.preventDefault();
}
