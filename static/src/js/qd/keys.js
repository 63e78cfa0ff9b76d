// The keyboard map (DESIGN.md §8 in docs/frontend.md). Single keys are off while somebody types, and with <body data-keys="off">.
import { $, $$, typing } from "./dom.js";
import { copy } from "./clipboard.js";
import { closeDialog, drawer } from "./dialog.js";
import { command } from "./foot.js";
import { closeMenus } from "./menus.js";
import { openPalette } from "./palette.js";
import { clearSelection, ticked, toggle } from "./selection.js";
import { toggleTheme } from "./theme.js";
import { toast } from "./toasts.js";

const GO = { d: "dashboard", c: "containers", p: "projects", i: "images", v: "volumes", n: "networks", o: "operations", e: "events", a: "audit" };
const WAIT_MS = 1200; // after g

let going = 0;

// ── the row of the keyboard ──────────────────────────────────

const rows = () => $$(".main .tbl tbody tr[id]").filter((row) => row.offsetParent !== null);
const current = () => $(".main .tbl tr.at");

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const row = current(), at = all.indexOf(row);
  const next = at < 0 ? (step > 0 ? all[0] : all.at(-1)) : all[Math.min(all.length - 1, Math.max(0, at + step))];
  row?.classList.remove("at");
  next.classList.add("at");
  const link = $("a.name, a", next);
  (link ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("focusin", (event) => {
  const row = event.target instanceof Element ? event.target.closest(".main .tbl tbody tr[id]") : null;
  if (!row || row === current()) return;
  current()?.classList.remove("at");
  row.classList.add("at");
});

/** Press the control of the row that is marked data-key=key. */
function press(key) {
  const row = current();
  const control = row ? $(`[data-key="${CSS.escape(key)}"]:not(:disabled)`, row) : $(`.main .head [data-key="${CSS.escape(key)}"]:not(:disabled)`);
  if (!control) return false;
  if (control.matches("summary")) {
    control.parentElement.open = true;
    $(".menu a, .menu button", control.parentElement)?.focus();
  } else control.click();
  return true;
}

/** A page of the row's object, or the tab of this one: where no control has the key. */
function page(name) {
  const link = $("a.name", current() ?? document.createElement("i")), tab = $(`.tabs a[href$="/${name}"]`);
  if (!link && !tab) return false;
  location.assign(link ? new URL(name, link.href) : tab.href);
  return true;
}

function bulk(verb) {
  const button = $(`#bulk:not([hidden]) [data-verb="${verb}"]:not(:disabled)`);
  if (!button) return false;
  button.click();
  return true;
}

/** r and Del work on the ticked rows when there are some, else on the row of the keyboard. */
const act = (key, verb) => (ticked().length ? bulk(verb) : press(key));

// ── the map ──────────────────────────────────────────────────

function open(name) {
  const link = $(`.nav a[data-go="${name}"]`);
  if (link) link.click();
  return Boolean(link);
}

function tab(number) {
  const link = $$(".tabs a")[number - 1];
  if (link) link.click();
  return Boolean(link);
}

function slash() {
  const field = $$(".main .filter input:not([type='hidden']), .main input[type='search']").find((input) => input.offsetParent);
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}

async function copyCommand() {
  const text = command();
  if (text && await copy(text)) toast("done", "Copied", text);
}

/** In this order: menu, dialog, drawer, what a page pinned (event qd:escape), selection, row. */
function escape() {
  if (closeMenus() || drawer(false)) return true;
  const pinned = new CustomEvent("qd:escape", { cancelable: true });
  if (!document.dispatchEvent(pinned)) return true;
  if (clearSelection()) return true;
  const row = current();
  row?.classList.remove("at");
  return Boolean(row);
}

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  x: () => { const row = current(); if (row) toggle(row); return Boolean(row); },
  X: () => { const row = current(); if (row) toggle(row, true); return Boolean(row); },
  a: () => press("a"), l: () => press("l") || page("logs"), s: () => press("s"), S: () => press("S"),
  r: () => act("r", "restart"), Delete: () => act("Delete", "remove"),
  "/": slash, "?": () => { const link = $("[data-go='keys']"); link?.click(); return Boolean(link); },
  t: () => { toggleTheme(); return true; }, c: () => { copyCommand(); return true; },
  g: () => { going = Date.now(); return true; },
};
for (const number of [1, 2, 3, 4, 5, 6, 7]) KEYS[String(number)] = () => tab(number);
for (const key of ["n", "N", "w", "f", "End"]) KEYS[key] = () => !document.dispatchEvent(new CustomEvent("qd:key", { detail: { key }, cancelable: true }));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k" && !event.target.closest?.(".xterm")) {
    if (openPalette()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if ($("dialog.modal[open]")) return; // the browser closes it
    if (typing(event.target)) event.target.blur();
    else if (escape()) event.preventDefault();
    return;
  }
  if (typing(event.target) || $("dialog.modal[open]") || document.body.dataset.keys === "off") return;
  if (event.target.closest?.("details.pick-menu[open]") && event.key.startsWith("Arrow")) return;
  if (going && Date.now() - going < WAIT_MS) {
    going = 0;
    if (GO[event.key] && open(GO[event.key])) event.preventDefault();
    return;
  }
  if (KEYS[event.key]?.()) event.preventDefault();
});

// Enter on the row of the keyboard opens it: the link in the row has the focus, so the browser does it.
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx?.response?.status === 401) closeDialog();
});
