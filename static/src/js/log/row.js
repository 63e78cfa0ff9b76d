// One row of a log. Only text nodes and elements made here: what a container wrote is never markup.
import { chunks } from "./ansi.js";
import { DEBUG, ERROR, json, WARN } from "./level.js";

const SHOWN = 4000; // characters of a line before it is opened
const MOST_MARKS = 200; // in one row
const MESSAGES = ["msg", "message", "event", "log", "text", "@message"];
const LEVELS = ["level", "severity", "lvl", "loglevel", "log_level", "levelname", "@level", "log.level"];
const TIMES = ["time", "ts", "timestamp", "@timestamp", "t", "datetime", "date"];
const PINO = { 10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };
const SVG = "http://www.w3.org/2000/svg";

function element(name, css, text) {
  const made = document.createElement(name);
  if (css) made.className = css;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ── time ─────────────────────────────────────────────────────

let second = -1, clock = "";
const two = (n) => String(n).padStart(2, "0");

/** "21:04:26" of the reader's clock. */
export function hours(ms) {
  const now = Math.floor(ms / 1000);
  if (now !== second) {
    const at = new Date(ms);
    second = now;
    clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  }
  return clock;
}

/** "UTC+09:00". */
export function zone(ms = Date.now()) {
  const minutes = -new Date(ms).getTimezoneOffset(), size = Math.abs(minutes);
  return minutes ? `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}` : "UTC";
}

/** "28 January, 01:30 UTC". */
export function moment(ms) {
  const at = new Date(ms);
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}, ${two(at.getHours())}:${two(at.getMinutes())} ${zone(ms)}`;
}

function time(ms) {
  const made = element("time", "", ms ? hours(ms) : "");
  if (ms) {
    made.dateTime = new Date(ms).toISOString();
    made.append(element("span", "ms", `.${String(ms % 1000).padStart(3, "0")}`));
  }
  return made;
}

// ── text with matches ────────────────────────────────────────

/** Where `pattern` (global) is in `text`: [[from, to], …]. */
export function spots(text, pattern) {
  const found = [];
  if (!pattern) return found;
  pattern.lastIndex = 0;
  for (let hit = pattern.exec(text); hit && found.length < MOST_MARKS; hit = pattern.exec(text)) {
    if (hit[0]) found.push([hit.index, hit.index + hit[0].length]);
    else pattern.lastIndex += 1;
  }
  return found;
}

/** Puts `text` into `into`, the parts that `found` names in <mark>; `at` is where the text begins in the line. */
function write(into, text, found, at, current) {
  let from = 0;
  for (const [start, end] of found) {
    const low = Math.max(start - at, from), high = Math.min(end - at, text.length);
    if (high <= low) continue;
    if (low > from) into.append(text.slice(from, low));
    into.append(element("mark", current ? "cur" : "", text.slice(low, high)));
    from = high;
  }
  if (from < text.length) into.append(text.slice(from));
}

function coloured(into, raw, found, current, most) {
  let at = 0;
  for (const part of chunks(raw)) {
    const text = at + part.text.length > most ? part.text.slice(0, Math.max(0, most - at)) : part.text;
    if (!text) break;
    if (!part.css) write(into, text, found, at, current);
    else {
      const span = element("span", part.css);
      if (part.fg) span.style.setProperty("--fg", `rgb(${part.fg})`);
      if (part.bg) span.style.setProperty("--bg-c", `rgb(${part.bg})`);
      write(span, text, found, at, current);
      into.append(span);
    }
    at += part.text.length;
  }
}

// ── JSON ─────────────────────────────────────────────────────

const short = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function pick(object, names, used) {
  const name = names.find((one) => ["string", "number"].includes(typeof object[one]) && !used.has(one));
  if (name !== undefined) used.add(name);
  return name === undefined ? undefined : object[name];
}

/** The message first, then the rest as key=value; opened: a line for each key. */
function readable(into, entry, object, pattern, current) {
  const used = new Set(), fold = element("button", "fold");
  fold.type = "button";
  fold.dataset.log = "fold";
  fold.setAttribute("aria-expanded", String(entry.open));
  fold.setAttribute("aria-label", entry.open ? "Fold the fields" : "Show the fields one a line");
  fold.textContent = entry.open ? "▾" : "▸";
  into.append(fold, " ");
  const level = pick(object, LEVELS, used);
  const message = pick(object, MESSAGES, used);
  const marked = (css, text) => {
    const span = element("span", css);
    write(span, text, spots(text, pattern), 0, current);
    return span;
  };
  if (level !== undefined) into.append(marked(entry.level === ERROR ? "a1" : entry.level === WARN ? "a3" : "a4", String(PINO[level] ?? level)), " ");
  if (message !== undefined) into.append(marked("jm", String(message)));
  const rest = Object.entries(object).filter(([name]) => !used.has(name));
  if (!entry.open) {
    for (const [name, value] of rest) if (!TIMES.includes(name)) into.append(" ", marked("a8", `${name}=`), marked("", short(value)));
    return;
  }
  const list = element("dl", "json");
  for (const [name, value] of Object.entries(object)) {
    const told = typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : short(value);
    const field = marked("", told);
    const cell = element("dd");
    cell.append(field);
    list.append(element("dt", "", name), cell);
  }
  into.append(list);
}

// ── rows ─────────────────────────────────────────────────────

function key(colour) {
  const svg = document.createElementNS(SVG, "svg"), rect = document.createElementNS(SVG, "rect");
  svg.setAttribute("class", "key");
  svg.setAttribute("viewBox", "0 0 8 8");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, value] of [["class", `f${colour}`], ["width", 8], ["height", 8], ["rx", 1.5]]) rect.setAttribute(name, value);
  svg.append(rect);
  return svg;
}

function more(entry, hidden) {
  const button = element("button", "fold", `… show ${hidden.toLocaleString("en")} more characters`);
  button.type = "button";
  button.dataset.log = "fold";
  button.setAttribute("aria-expanded", "false");
  return button;
}

/** The text part of a row. */
export function message(entry, pattern, current) {
  const part = element("span", "m");
  const object = entry.text.charCodeAt(0) === 123 ? json(entry.text) : null;
  if (object && !Array.isArray(object)) readable(part, entry, object, pattern, current);
  else {
    const most = entry.open ? Infinity : SHOWN;
    coloured(part, entry.sgr + entry.raw, spots(entry.text, pattern), current, most);
    if (entry.text.length > most) part.append(more(entry, entry.text.length - most));
  }
  if (entry.cut) part.append(element("span", "a8", ` … ${entry.cut.toLocaleString("en")} more bytes, too long to keep`));
  return part;
}

/** A line. `who`: {name, colour} with several containers, else null. */
export function row(entry, who, pattern, current) {
  const made = element("li", entry.level === ERROR ? "e" : entry.level === WARN ? "w" : "n");
  if (entry.level === DEBUG) made.classList.add("dbg");
  made.dataset.stream = entry.stream === 2 ? "stderr" : "stdout";
  const bar = element("i");
  bar.title = made.dataset.stream + (entry.late ? ", came late" : "");
  made.append(time(entry.ms), bar);
  if (who) {
    const name = element("span", "who");
    const text = element("bdi", "", who.name);
    name.append(key(who.colour), text);
    name.title = entry.late ? `${who.name}: this line came late` : who.name;
    if (entry.late) name.classList.add("late");
    made.append(name);
  }
  made.append(message(entry, pattern, current));
  return made;
}

/** Something that happened between lines. */
export function rule(text) {
  return element("li", "rule", text);
}
