// The terminal page: sessions as buttons, one screen at a time. The server keeps the sessions; the page only shows them.
import "./term/style.js";
import { Screen } from "./term/screen.js";
import { TerminalSocket } from "./term/socket.js";

const root = document.querySelector("[data-qd=term]");
const find = (selector) => root.querySelector(selector);
const KEY = `qd-shell ${root.dataset.path}`;
const opened = new Map(); // session → what this page holds of it, also while another one is in front: so it does not end
let current = null; // {socket, screen, button, id, since}

const words = (text) => [...text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map((m) => m[1]?.replace(/\\(.)/g, "$1") ?? m[2] ?? m[3]);

function asked() {
  const form = find("[data-open]"), value = (name) => form.elements[name].value.trim();
  const command = value("shell") ? [value("shell")] : words(value("command"));
  return {
    command, user: value("user"), workdir: value("workdir"), tty: form.elements.tty.checked,
    env: value("env").split("\n").map((line) => line.trim()).filter(Boolean),
  };
}

function label(button, command, user) {
  const name = document.createElement("span");
  name.className = "dim";
  name.textContent = user;
  button.replaceChildren(`${command.split("/").pop()} `, name);
}

function status(text) { find("[data-status]").textContent = text; }

function describe() {
  if (!current?.id) return;
  const { rows, columns } = current.screen.size, minutes = Math.floor((Date.now() - current.since) / 60000);
  status(`${columns} × ${rows}, ${minutes ? `${minutes} min` : "just now"}, in the audit log`);
}

/** Give one up: nothing of it is left on the page, and without a page its session ends. */
function drop(made) {
  made.socket.leave();
  made.screen.dispose();
  made.screen.host.remove();
  if (made.id) opened.delete(made.id);
}

/** Nothing is in front. What has not ended goes on behind. */
function leave() {
  const made = current;
  current = null;
  if (!made) return;
  made.button?.removeAttribute("aria-current");
  made.screen.host.hidden = true;
  if (made.over || !made.id) drop(made);
}

function tools(on) {
  for (const part of root.querySelectorAll("[data-while-open], [data-close-session]")) part.hidden = !on;
}

/** What the page says of the session in front. */
function front(made) {
  if (made !== current) return;
  made.button?.setAttribute("aria-current", "true");
  find("[data-keep]").checked = made.keep;
  tools(true);
  find("[data-close-session] span").textContent = made.attach ? "Detach" : "Disconnect";
  if (!made.attach) remember();
  describe();
  made.screen.terminal.focus();
}

function show(made) {
  if (made === current) return;
  leave();
  current = made;
  const host = find("[data-screen]");
  host.hidden = made.screen.host.hidden = false;
  host.qdTerminal = made.screen.terminal;
  find("[data-blank]").hidden = true;
  made.screen.fit();
  if (made.id) front(made);
  else {
    tools(false);
    status("Opening");
  }
}

function pane() {
  const made = document.createElement("div");
  made.className = "pane";
  find("[data-screen]").hidden = false;
  find("[data-screen]").append(made);
  return made;
}

function newButton(made, command, user) {
  made.button = document.createElement("button");
  Object.assign(made.button, { type: "button", className: "btn" });
  made.button.dataset.session = made.id;
  label(made.button, command, user);
  find("[data-sessions]").append(made.button);
}

function open(wish, { attach = false, button = null } = {}) {
  leave();
  const made = { attach, button, id: "", since: Date.now(), over: false, keep: false };
  made.screen = new Screen(pane(), {
    type: (bytes) => made.socket?.type(bytes),
    sized: (size) => { made.socket?.say({ type: "resize", ...size }); describe(); },
    leave: () => find("[data-new]").focus(),
    find: () => search(true),
  });
  const { screen } = made;
  show(made);
  made.socket = new TerminalSocket(`${root.dataset.path}/${attach ? "attach" : "shell"}`, wish, {
    size: () => screen.size,
    output: (bytes, drawn) => screen.write(bytes, drawn),
    replaying: (on) => { screen.replaying = on; },
    state: (text) => { if (made === current) status(text); },
    again: () => screen.terminal.reset(),
    session: (said) => {
      Object.assign(made, { id: said.id, keep: said.keep });
      opened.set(said.id, made);
      if (!made.button) newButton(made, attach ? "main process" : said.command[0], wish.user ?? "");
      front(made);
    },
    refused: (said) => {
      made.over = true;
      opened.delete(wish.session);
      if (said.gone && wish.session) made.button?.remove();
      if (made !== current) drop(made);
      else if (said.gone && wish.session) blank("That session has ended.", "Open a new one.");
      else blank("The engine refused", said.text);
      remember();
    },
    end: (said) => {
      made.over = true;
      opened.delete(made.id);
      made.button?.remove();
      made.button = null;
      remember();
      if (made !== current) { drop(made); return; }
      screen.note(said.text);
      status(said.text);
      tools(false);
    },
  });
}

function blank(title, text) {
  leave();
  find("[data-screen]").hidden = true;
  find("[data-blank]").hidden = false;
  find("[data-blank-title]").textContent = title;
  find("[data-blank-text]").textContent = text;
  status("");
  tools(false);
}

/** The sessions of this tab, the one in front last: a reload takes them up again. */
function remember() {
  const ids = [...opened.values()].filter((made) => !made.attach && made !== current).map((made) => made.id);
  if (current?.id && !current.attach && !current.over) ids.push(current.id);
  try {
    sessionStorage.setItem(KEY, ids.join(" "));
  } catch {
    // no storage: a reload takes up the newest session alone
  }
}

function remembered() {
  try { return (sessionStorage.getItem(KEY) ?? "").split(" ").filter(Boolean); } catch { return []; }
}

function search(show) {
  const box = find("[data-find]");
  box.hidden = !show;
  if (show) box.querySelector("input").focus();
  else {
    current?.screen.searcher.clearDecorations();
    current?.screen.terminal.focus();
  }
}

function keep(on) {
  if (!current) return;
  current.keep = on;
  current.socket.say({ type: "keep", on });
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const wish = asked();
  const env = find("[name=env]"), wrong = wish.env.find((line) => !line.includes("="));
  env.setCustomValidity(wrong ? `Write NAME=value: ${wrong}` : "");
  if (wrong) {
    find("[data-more]").open = true;
    env.reportValidity();
  } else if (wish.command.length) open(wish);
  else find("[name=command]").focus();
});
root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (opened.has(button.dataset.session)) show(opened.get(button.dataset.session));
  else if (button.dataset.session) open({ session: button.dataset.session }, { button });
  else if ("attach" in button.dataset) open({}, { attach: true });
  else if ("closeSession" in button.dataset) current?.socket.say({ type: "close" });
  else if ("next" in button.dataset) current?.screen.searcher.findNext(find("[data-find] input").value);
  else if ("previous" in button.dataset) current?.screen.searcher.findPrevious(find("[data-find] input").value);
});
root.addEventListener("change", (event) => {
  if (event.target.matches("[data-shells]")) find("[data-command]").hidden = event.target.value !== "";
  if (event.target.matches("[data-keep]")) keep(event.target.checked);
});
find("[data-find]").addEventListener("keydown", (event) => {
  if (event.key === "Escape") search(false);
  if (event.key === "Enter") current?.screen.searcher[event.shiftKey ? "findPrevious" : "findNext"](event.target.value);
});
find("[name=env]").addEventListener("input", (event) => event.target.setCustomValidity("")); // or it could not be sent again
setInterval(describe, 15000);

if (root.dataset.running) {
  const known = [...root.querySelectorAll("[data-session]")], mine = remembered();
  const buttons = mine.map((id) => known.find((one) => one.dataset.session === id)).filter(Boolean);
  if (!buttons.length && known.length) buttons.push(known.at(-1));
  for (const button of known) label(button, button.dataset.command, button.dataset.user);
  for (const button of buttons) open({ session: button.dataset.session }, { button });
  if (root.dataset.mode === "attach") open({}, { attach: true });
  else if (!buttons.length && asked().command.length) open(asked());
} else blank(find("[data-blank-title]").textContent, find("[data-blank-text]").textContent);
