// The lines that are kept, in the order of the engine's clock. Lines of several containers are merged within a window. What happened
// between lines (a stop, a gap, skipped lines) is an entry of its own.
import { carried, plain } from "./ansi.js";
import { CONTINUES, ERROR, level, WARN } from "./level.js";
import { later } from "./place.js";

export const KEEP = 20_000; // lines
const KEEP_CHARACTERS = 24 * 1024 * 1024;
const WINDOW_MS = 300; // lines of several containers wait so long for each other
const PAST_MS = 5000; // and so long for the past of all of them
const MOST_WAITING = 60_000; // lines
const RATE = 2000; // lines a second; above, they come faster than rows can be seen
const QUIET_MS = 5 * 60_000;
const TOGETHER_MS = 100; // a line that continues the one before was written so soon after it

const milliseconds = (time) => (time.length > 6 ? Number(time.slice(0, -6)) : 0);
const byTime = (a, b) => (a.time === b.time ? 0 : later(a.time, b.time) ? 1 : -1);

export class Entries {
  all = [];
  counts = { error: 0, warn: 0, stderr: 0 };
  of; // lines kept of each container
  seen = 0; // lines that came in
  skipped = 0;
  oneOf = 1; // so many lines pass for one that is seen
  rate = 0; // lines a second
  #many;
  #waiting = [];
  #past; // containers whose past is not read yet
  #began = performance.now();
  #characters = 0;
  #sequence = 0;
  #last = []; // newest line of each container and stream
  #sgr = []; // and the colours that it left set
  #tick = performance.now();
  #inSecond = 0;
  #quiet = ""; // time of the newest line

  constructor(count) {
    this.#many = count > 1;
    this.of = new Array(count).fill(0);
    this.#past = new Set(Array.from({ length: count }, (_, c) => c));
  }

  /** Lines that have not got their place. */
  get waiting() { return this.#waiting.length; }

  get reading() { return this.#past.size > 0; }

  clear() {
    const fresh = new Entries(this.of.length);
    this.all = [];
    Object.assign(this.counts, { error: 0, warn: 0, stderr: 0 });
    this.of.fill(0);
    this.#waiting = [];
    this.#past = fresh.#past;
    this.#began = performance.now();
    this.#characters = 0;
    this.#last = [];
    this.#sgr = [];
    this.#quiet = "";
  }

  /** Rows of a message, in order. */
  lines(c, rows) {
    const live = !this.#past.has(c);
    this.seen += rows.length;
    if (live) this.#inSecond += rows.length;
    for (const [stream, time, raw, cut = 0] of rows) {
      this.#waiting.push({ rule: "", c, stream, time, ms: milliseconds(time), raw, cut, live, at: 0, text: "", level: 0, hit: false, height: 0, width: 0, open: false, late: false });
    }
  }

  /** The past of container `c` was read. */
  pastRead(c) { this.#past.delete(c); }

  /** The socket comes again: until their next mark the lines are what was missed. */
  resuming() {
    for (let c = 0; c < this.of.length; c += 1) this.#past.add(c);
    this.#began = performance.now();
  }

  skip(c, count) {
    this.skipped += count;
    this.rule("skip", c, count);
  }

  /** Something that happened; `detail` is its text or number. */
  rule(what, c, detail, time = "") {
    const entry = { rule: what, c, stream: 0, time, ms: milliseconds(time), raw: "", text: detail, level: 0, live: true, at: performance.now(), hit: false, height: 0, width: 0, open: false };
    const last = this.#waiting.at(-1);
    if (what === "skip" && last?.rule === "skip" && last.c === c) last.text += detail;
    else this.#waiting.push(entry);
  }

  /** Once a frame: moves what waited long enough. Returns {added: [entries at the end], placed: [entries in between], removed: n}. */
  settle(now) {
    this.#measure(now);
    const ready = this.#take(now);
    const added = [], placed = [];
    for (const entry of ready) {
      if (!entry.rule) this.#look(entry);
      else if (entry.rule === "started") for (const stream of [1, 2]) this.#sgr[entry.c * 2 + stream] = "";
      if (entry.rule || !this.#many || !this.#quiet || !later(this.#quiet, entry.time)) this.#append(entry, added);
      else this.#place(entry, placed);
    }
    return { added, placed, removed: this.#trim() };
  }

  #take(now) {
    if (!this.#waiting.length) return [];
    if (!this.#many) return this.#waiting.splice(0);
    if (this.#past.size && now - this.#began < PAST_MS) {
      if (this.#waiting.length > MOST_WAITING) this.#waiting = this.#sorted().slice(-KEEP);
      return [];
    }
    let ready = 0;
    for (const entry of this.#waiting) {
      entry.at ||= now;
      if (!entry.live || now - entry.at >= WINDOW_MS) ready += 1;
    }
    if (!ready) return [];
    // In the order of time; a later line that waits shorter holds back nothing that lies before it.
    const sorted = this.#sorted();
    let last = sorted.length - 1;
    while (last >= 0 && sorted[last].live && now - sorted[last].at < WINDOW_MS) last -= 1;
    this.#waiting = sorted.slice(last + 1);
    return sorted.slice(0, last + 1);
  }

  /** By time; what has none (rules) stays behind the line it came after. */
  #sorted() {
    let time = "";
    for (const entry of this.#waiting) {
      if (entry.rule && !entry.time) entry.time = time;
      time = entry.time || time;
    }
    return this.#waiting.map((entry, at) => [entry, at]).sort(([a, i], [b, j]) => byTime(a, b) || i - j).map(([entry]) => entry);
  }

  #look(entry) {
    entry.text = plain(entry.raw);
    if (entry.text === entry.raw) entry.text = entry.raw;
    entry.level = level(entry.raw, entry.text);
    const key = entry.c * 2 + entry.stream;
    entry.sgr = this.#sgr[key] ?? "";
    if (entry.text !== entry.raw) this.#sgr[key] = carried(entry.sgr, entry.raw);
    const before = this.#last[key];
    if (entry.level < WARN && before?.level === ERROR && entry.ms - before.ms < TOGETHER_MS && (CONTINUES.test(entry.text) || (before.stack && /^[A-Z][\w.]*(?:Error|Exception)\b/.test(entry.text)))) {
      entry.level = ERROR;
      entry.stack = true;
    } else if (entry.level === ERROR && /^(?:Traceback|Exception|panic)/.test(entry.text)) entry.stack = true;
    this.#last[key] = entry;
  }

  #append(entry, added) {
    if (!entry.rule) {
      if (this.#quiet) {
        const gap = entry.ms - milliseconds(this.#quiet);
        if (gap >= QUIET_MS) this.#push({ ...entry, rule: "quiet", c: -1, stream: 0, raw: "", text: gap, cut: 0, level: 0 }, added);
      }
      if (!this.#quiet || later(entry.time, this.#quiet)) this.#quiet = entry.time;
      this.#count(entry, 1);
    }
    this.#push(entry, added);
  }

  #push(entry, added) {
    entry.order = this.#sequence += 1;
    this.all.push(entry);
    added.push(entry);
  }

  /** A late line gets its place. */
  #place(entry, placed) {
    let at = this.all.length;
    while (at > 0 && (this.all[at - 1].rule ? !this.all[at - 1].time || later(this.all[at - 1].time, entry.time) : later(this.all[at - 1].time, entry.time))) at -= 1;
    entry.late = entry.live;
    const before = this.all[at - 1]?.order ?? (this.all[0]?.order ?? 1) - 1, after = this.all[at]?.order ?? before + 1;
    entry.order = (before + after) / 2;
    this.all.splice(at, 0, entry);
    this.#count(entry, 1);
    placed.push(entry);
  }

  #count(entry, sign) {
    this.#characters += sign * entry.raw.length;
    this.of[entry.c] += sign;
    if (entry.level === ERROR) this.counts.error += sign;
    else if (entry.level === WARN) this.counts.warn += sign;
    if (entry.stream === 2) this.counts.stderr += sign;
  }

  #trim() {
    let over = Math.max(0, this.all.length - KEEP);
    for (let at = 0; at < over; at += 1) if (!this.all[at].rule) this.#count(this.all[at], -1);
    while (this.#characters > KEEP_CHARACTERS && over < this.all.length - 1) {
      if (!this.all[over].rule) this.#count(this.all[over], -1);
      over += 1;
    }
    return over ? this.all.splice(0, over) : [];
  }

  #measure(now) {
    const passed = now - this.#tick;
    if (passed < 1000) return;
    this.rate = (this.#inSecond * 1000) / passed;
    this.oneOf = Math.max(1, Math.ceil(this.rate / RATE));
    this.#inSecond = 0;
    this.#tick = now;
  }
}
