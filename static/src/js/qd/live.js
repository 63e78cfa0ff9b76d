// What the socket pushes: which change waits, which row flashes, how a removed row leaves.
//
// A region is an element with data-live (its value is the address to read it again from; empty: this page). Changes inside
// a region wait while the reader is busy with it; changes elsewhere (foot, counts, toasts, drawer) never wait.
import { $, $$, on, typing } from "./dom.js";
import { leave } from "./leave.js";

const GONE_MS = 5000; // how long a removed row stays
const PRESS_MS = 700; // a row does not change under a double click
const LOOK_MS = 250; // how often waiting changes look whether they may go on
const FLASH_MS = 1700;
const READ_MS = 400; // regions are read again at most so often
const HOVERS = matchMedia("(hover: hover)"); // not where a tap counts as hovering
const KEEP = 500; // more than this waiting: read the region again instead

/** Waiting changes by target; the newest wins. */
const waiting = new Map();
/** Regions to read again when the reader lets go, each with how many new rows wait in it. */
const again = new Map();
/** Regions that the reader asked to see as they are now: they change once, wherever the pointer is. */
const asked = new Set();
let api = null;
let readAt = 0, readTimer = 0;

const source = () => $("#live");

/** Why `region` may not change now, or "". */
function busy(region) {
  const selection = getSelection();
  if (selection && !selection.isCollapsed && region.contains(selection.anchorNode)) return "text is selected";
  const ticked = $$(".pick:checked", region).length;
  if (ticked) return ticked === 1 ? "1 row is selected" : `${ticked} rows are selected`;
  if ($("details.pick-menu[open]", region)) return "a menu is open";
  if ($("dialog.modal[open]")) return "a dialog is open";
  if (region.dataset.hold === "pointer" && !asked.has(region)) {
    // The pill comes up over the list, perhaps just under the pointer: it is part of the list, until it is pressed.
    if (HOVERS.matches && (region.matches(":hover") || $("[data-newer]:hover"))) return "the pointer is on the list";
    if (region.getBoundingClientRect().top < 0) return "you read further down";
  }
  return "";
}

/** Why `row` may not change now, or "". */
function occupied(row) {
  const active = document.activeElement;
  if (active && row.contains(active) && typing(active)) return "you are typing";
  if (Date.now() - Number(row.dataset.pressed ?? 0) < PRESS_MS) return "a button was pressed";
  return "";
}

function reason(target) {
  const region = target.closest("[data-live]");
  return region ? busy(region) || occupied(target) : "";
}

/** `count`: changes that wait; `rows`: how many rows of them are new. */
function announce(text) {
  const held = [...again.values()].reduce((sum, rows) => sum + Math.max(1, rows), 0);
  const rows = [...again.values()].reduce((sum, more) => sum + more, 0);
  document.dispatchEvent(new CustomEvent("qd:hold", { detail: { reason: text, count: waiting.size + held, rows } }));
}

// ── rows ─────────────────────────────────────────────────────

/** What a reader would see change in `row`; meters and times move without a flash. */
function look(row) {
  const copy = row.cloneNode(true);
  for (const part of $$("[data-quiet], time, .acts", copy)) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim() + $$(".st", copy).map((lamp) => lamp.getAttribute("class")).join();
}

function flash(row) {
  row.classList.remove("changed");
  void row.offsetWidth;
  row.classList.add("changed");
  clearTimeout(row.qdFlash);
  row.qdFlash = setTimeout(() => row.classList.remove("changed"), FLASH_MS);
}

/** What the reader did to the row outlives the change. */
function restore(row, kept) {
  const box = $(".pick", row);
  if (box) row.setAttribute("aria-selected", String(box.checked));
  if (kept.at) row.classList.add("at");
  if (row === kept.row && row.dataset.gone !== undefined) return;
  if (kept.look !== look(row)) flash(row);
}

const rowsOf = (target) => (target.matches("tr[id]") ? [target] : $$("tr[id]", target));

/** Remember the rows that the tasks are about to change or add. */
function remember(tasks) {
  const kept = new Map();
  for (const task of tasks) {
    if (!(task.target instanceof Element)) continue;
    for (const row of rowsOf(task.target)) kept.set(row.id, { row, look: look(row), at: row.classList.contains("at") });
    for (const row of $$("tr[id]", task.fragment ?? document.createElement("i"))) if (!kept.has(row.id)) kept.set(row.id, { look: null });
  }
  return kept;
}

function settle(kept) {
  for (const [id, was] of kept) {
    const row = document.getElementById(id);
    if (row) restore(row, was);
  }
  document.dispatchEvent(new CustomEvent("qd:rows"));
}

/** A removed row says so in its place, and leaves later. */
function mark(row) {
  if (row.dataset.gone !== undefined) return;
  row.dataset.gone = String(Date.now());
  row.classList.add("gone");
  for (const control of $$("button, input", row)) control.disabled = true;
  const box = $(".pick", row);
  if (box?.checked) {
    box.checked = false;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const name = $(".name", row);
  if (name) {
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = "removed";
    name.after(" ", tag);
  }
}

function sweep() {
  for (const row of $$("tr[data-gone]")) {
    if (Date.now() - Number(row.dataset.gone) < GONE_MS || row.closest("table").matches(":hover")) continue;
    const body = row.parentElement;
    row.remove();
    if (body.matches("tbody[data-group]") && !$("tr:not(.grp)", body)) body.remove();
  }
}
setInterval(sweep, 1000);

// ── the gate ─────────────────────────────────────────────────

/** An added row that is on the page already is a change of that row. */
function known(task) {
  const style = task.swapSpec?.style ?? "";
  if (!/^(before|after)/.test(style) || !task.fragment) return [task];
  const tasks = [];
  for (const row of $$("tr[id]", task.fragment)) {
    const target = document.getElementById(row.id);
    if (!target) continue;
    const fragment = document.createDocumentFragment();
    fragment.append(row);
    tasks.push({ ...task, type: "oob", fragment, target, swapSpec: { style: "outerMorph" } });
  }
  if (task.fragment.childElementCount && $("tr", task.fragment)) tasks.push(task);
  else if (!tasks.length) tasks.push(task);
  return tasks;
}

/** How many rows of the task are not on the page. */
const newRows = (task) => $$("tr[id]", task.fragment ?? document.createElement("i")).filter((row) => !document.getElementById(row.id)).length;

/** Sort what came in into what happens now (returned) and what waits. */
function gate(tasks) {
  const now = [];
  let why = "";
  for (const task of tasks.flatMap(known)) {
    if (!(task.target instanceof Element)) {
      now.push(task);
      continue;
    }
    if (task.swapSpec?.style === "delete" && task.target.matches("tr")) {
      mark(task.target);
      continue;
    }
    const held = reason(task.target);
    if (!held) {
      asked.delete(task.target);
      now.push(task);
      continue;
    }
    why = held;
    const region = task.target.closest("[data-live]");
    const inPlace = task.swapSpec?.style === "outerMorph" && task.target !== region;
    if (inPlace && waiting.size < KEEP) waiting.set(task.target.id || task.target, task);
    else again.set(region.id || region, newRows(task));
  }
  if (why) announce(why);
  return now;
}

const found = (key) => (typeof key === "string" ? document.getElementById(key) : key.isConnected ? key : null);

/** Let go of what may go now. */
async function release() {
  if (!waiting.size && !again.size) return;
  let why = "";
  for (const key of [...again.keys()]) {
    const region = found(key);
    why = region ? busy(region) : "";
    if (why) continue;
    again.delete(key);
    if (!region) continue;
    for (const [id, task] of waiting) if (region.contains(task.target)) waiting.delete(id);
    read(region);
  }
  const ready = [];
  for (const [key, task] of waiting) {
    const target = found(key);
    const held = target ? reason(target) : "";
    if (held) {
      why = held;
      continue;
    }
    waiting.delete(key);
    if (target) ready.push({ ...task, target });
  }
  if (ready.length) {
    const kept = remember(ready);
    await Promise.all(ready.map((task) => api.insertContent(task)));
    settle(kept);
  }
  announce(why);
}
setInterval(release, LOOK_MS);

/** The reader wants what waits in the list, now. */
export function letGo() {
  for (const region of $$("[data-hold]")) {
    asked.add(region);
    again.set(region.id || region, again.get(region.id || region) ?? 0);
  }
  release();
}

// ── reading a region again ───────────────────────────────────

function read(region) {
  const from = source();
  if (from) window.htmx.ajax("GET", region.dataset.live || location.pathname + location.search, { source: from, target: region, swap: "outerMorph" });
}

/** Read every region of the page again: after a reconnect, and when the server says that a change was missed. */
export function resync() {
  if (readTimer) return;
  readTimer = setTimeout(() => {
    readTimer = 0;
    readAt = Date.now();
    $$("[data-live]").forEach(read);
  }, Math.max(0, readAt + READ_MS - Date.now()));
}

// A list whose filter changed brings a new #live, as the query string is part of its address: that is no reconnect.
const connected = new WeakSet();
document.addEventListener("htmx:ws:after:connection", (event) => {
  if (connected.has(event.target)) resync();
  connected.add(event.target);
});
document.addEventListener("htmx:ws:before:message:incoming", (event) => {
  const data = event.detail.message.data;
  if (typeof data !== "string" || !data.startsWith("{")) return;
  try {
    if (JSON.parse(data).resync) resync();
  } catch {
    // Not for us.
  }
});

// What the page is about can be seen no more, so reading it again failed: show what the server has to say.
document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (source() && ctx.sourceElement === source() && (ctx.response.status === 403 || ctx.response.status === 404)) leave(ctx.response.status === 404);
});

on("click", "tr button", (button) => { button.closest("tr").dataset.pressed = String(Date.now()); });

window.htmx.registerExtension("qd", {
  init(internal) { api = internal; },
  htmx_before_swap(element, detail) {
    if (!source() || detail.ctx.sourceElement !== source()) return;
    const now = gate(detail.tasks);
    detail.tasks.splice(0, detail.tasks.length, ...now);
    detail.ctx.qdKept = remember(now);
  },
  htmx_after_swap(element, detail) {
    if (detail.ctx.qdKept) settle(detail.ctx.qdKept);
  },
});
