// The terminal page: sessions as buttons, one screen at a time. The server keeps the sessions; the page only shows them.
import "./term/style.js";
import { Screen } from "./term/screen.js";
import { TerminalSocket } from "./term/socket.js";

const root = document.querySelector("[data-qd=term]");
const find = (selector) => root.querySelector(selector);
const KEY = `qd-shell ${root.dataset.path}`;
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
  status(`${columns} × ${rows}, ${minutes ? `${minutes} min` : "just now"}, recorded in the audit log`);
}

function leave() {
  current?.socket.leave();
  current?.screen.dispose();
  current?.button?.removeAttribute("aria-current");
  current = null;
}

function open(wish, { attach = false, button = null } = {}) {
  leave();
  const host = find("[data-screen]");
  host.hidden = false;
  find("[data-blank]").hidden = true;
  const screen = new Screen(host, {
    type: (bytes) => current?.socket.type(bytes),
    sized: (size) => { current?.socket.say({ type: "resize", ...size }); describe(); },
    leave: () => find("[data-new]").focus(),
    find: () => search(true),
  });
  const made = { screen, button, id: wish.session ?? "", since: Date.now(), over: false };
  current = made;
  made.socket = new TerminalSocket(`${root.dataset.path}/${attach ? "attach" : "shell"}`, wish, {
    size: () => screen.size,
    output: (bytes, drawn) => screen.write(bytes, drawn),
    state: (text) => status(text),
    again: () => screen.terminal.reset(),
    session: (said) => {
      made.id = said.id;
      if (!attach) remember(said.id);
      if (!made.button) {
        made.button = document.createElement("button");
        Object.assign(made.button, { type: "button", className: "btn" });
        made.button.dataset.session = said.id;
        if (attach) made.button.dataset.attached = "1";
        label(made.button, attach ? "main process" : said.command[0], wish.user ?? "");
        find("[data-sessions]").append(made.button);
      }
      made.button.setAttribute("aria-current", "true");
      find("[data-keep]").checked = said.keep;
      for (const part of root.querySelectorAll("[data-live], [data-close-session]")) part.hidden = false;
      find("[data-close-session] span").textContent = attach ? "Detach" : "Disconnect";
      describe();
      screen.terminal.focus();
    },
    refused: (said) => {
      if (said.gone && wish.session) {
        remember("");
        made.button?.remove();
        blank("That session has ended.", "Open a new one.");
      } else blank("The engine refused", said.text);
    },
    end: (said) => {
      made.over = true;
      remember("");
      screen.note(said.text);
      status(said.text);
      made.button?.remove();
      made.button = null;
      for (const part of root.querySelectorAll("[data-live], [data-close-session]")) part.hidden = true;
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
  for (const part of root.querySelectorAll("[data-live], [data-close-session]")) part.hidden = true;
}

function remember(id) {
  try {
    if (id) sessionStorage.setItem(KEY, id);
    else sessionStorage.removeItem(KEY);
  } catch {
    // no storage: a reload opens a new session
  }
}

function remembered() {
  try { return sessionStorage.getItem(KEY) ?? ""; } catch { return ""; }
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

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const wish = asked();
  if (wish.command.length) open(wish);
  else find("[name=command]").focus();
});
root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.session && current?.id !== button.dataset.session) open({ session: button.dataset.session }, { button, attach: !!button.dataset.attached });
  else if ("attach" in button.dataset) open({}, { attach: true });
  else if ("closeSession" in button.dataset) current?.socket.say({ type: "close" });
  else if ("next" in button.dataset) current?.screen.searcher.findNext(find("[data-find] input").value);
  else if ("previous" in button.dataset) current?.screen.searcher.findPrevious(find("[data-find] input").value);
});
root.addEventListener("change", (event) => {
  if (event.target.matches("[data-shells]")) find("[data-command]").hidden = event.target.value !== "";
  if (event.target.matches("[data-keep]")) current?.socket.say({ type: "keep", on: event.target.checked });
});
find("[data-find]").addEventListener("keydown", (event) => {
  if (event.key === "Escape") search(false);
  if (event.key === "Enter") current?.screen.searcher[event.shiftKey ? "findPrevious" : "findNext"](event.target.value);
});
setInterval(describe, 15000);

if (root.dataset.running) {
  const known = [...root.querySelectorAll("[data-session]")], last = remembered();
  const button = known.find((one) => one.dataset.session === last) ?? known.at(-1);
  if (root.dataset.mode === "attach") open({}, { attach: true });
  else if (button) open({ session: button.dataset.session }, { button });
  else if (asked().command.length) open(asked());
} else blank(`${root.dataset.name} is not running`, "A shell needs a running container.");
