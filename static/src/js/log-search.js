// The search through the past of many logs (templates/logs/search.html): what the socket finds, grouped by log, and how far it is.
import { $, $$, ready } from "./qd/dom.js";
import { leave } from "./qd/leave.js";
import { plain } from "./log/ansi.js";
import { ERROR, level, WARN } from "./log/level.js";
import { hours } from "./log/row.js";

const FIRST = 60, MORE = 500; // rows of a log that are shown at once, and with every press
const BEAT_MS = 15_000, STATUS_MS = 250;
const AROUND = { before: 10, after: 60 }; // seconds of the log that a row leads to
const SURROGATES = /[\ud800-\udfff]/;
const n = (value) => value.toLocaleString("en");
const plural = (count, one, many = `${one}s`) => `${n(count)} ${count === 1 ? one : many}`;
const LAMPS = { reading: "busy", read: "done", full: "warning", refused: "warning", waits: "created" };
const WORDS = { reading: "reading", read: "read", full: "read in part", refused: "not readable", waits: "waits" };
const WHY = {
  matches: "10,000 lines match: the search ended here. Make it narrower to see the rest.",
  slow: "This expression takes too long on these lines. Nested repetitions such as (a+)+ do that; write it simpler.",
  time: "After ten minutes the search ended here. Choose fewer containers or a shorter time.",
};

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function element(name, css, text) {
  const made = document.createElement(name);
  if (css) made.className = css;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The text of a row; spans are counted in code points. */
function marked(text, spans) {
  const part = element("span", "m"), points = SURROGATES.test(text) ? Array.from(text) : null;
  const cut = (from, to) => plain(points ? points.slice(from, to).join("") : text.slice(from, to));
  let at = 0;
  for (const [start, end] of spans) {
    if (end <= start || start < at) continue;
    part.append(cut(at, start), element("mark", "", cut(start, end)));
    at = end;
  }
  part.append(cut(at, points ? points.length : text.length));
  return part;
}

class Log {
  rows = [];
  shown = 0;
  told = { state: "waits", bytes: 0, lines: 0, n: 0, text: "" };

  constructor(item) {
    this.item = item;
    this.name = item.dataset.name;
    this.href = item.dataset.href;
  }

  /** How far it is, beside the results. */
  tell(told) {
    this.told = told;
    const lamp = $(".st", this.item), use = $("use", lamp);
    lamp.setAttribute("class", `st st-${LAMPS[told.state]}`);
    lamp.setAttribute("aria-label", WORDS[told.state]);
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#l-${LAMPS[told.state]}`));
    $(".dim", this.item).textContent = told.state === "refused" ? "not readable" : size(told.bytes);
    this.item.title = told.text ?? "";
    $(".num", this.item).textContent = told.state === "refused" ? "–" : n(told.n);
    if (this.count) this.count.textContent = plural(told.n, "match", "matches");
  }

  add(rows, list) {
    if (!this.head) this.#begin(list);
    this.rows.push(...rows);
    if (this.shown < FIRST) this.#show(FIRST);
    this.#rest();
  }

  #begin(list) {
    this.head = element("li", "rule grp");
    const link = element("a", "ink b");
    link.href = this.href;
    link.append(element("bdi", "", this.name));
    this.count = element("span", "sub");
    this.head.append(link, this.count);
    this.foot = element("li", "rule more");
    this.button = element("button", "fold");
    this.button.type = "button";
    this.button.addEventListener("click", () => { this.#show(this.shown + MORE); this.#rest(); });
    this.foot.append(this.button);
    this.foot.hidden = true;
    list.append(this.head, this.foot);
  }

  #show(upTo) {
    const rows = this.rows.slice(this.shown, upTo).map((row) => this.#row(row));
    this.foot.before(...rows);
    this.shown += rows.length;
  }

  #row([stream, time, text, spans, begins]) {
    const grave = level(text, text);
    const made = element("li", grave === ERROR ? "e" : grave === WARN ? "w" : "n");
    made.dataset.stream = stream === 2 ? "stderr" : "stdout";
    if (!spans.length) made.classList.add("ctx");
    if (begins && this.shown) made.classList.add("begins");
    const ms = Number(time.slice(0, -6)), at = new Date(ms), link = element("a", "at"), when = element("time", "", `${at.getDate()} ${hours(ms)}`);
    when.dateTime = at.toISOString();
    link.href = `${this.href}?since=${Math.floor(ms / 1000) - AROUND.before}&until=${Math.floor(ms / 1000) + AROUND.after}`;
    link.title = `${at.toLocaleString()}: the log around this line`;
    link.append(when);
    const bar = element("i");
    bar.title = made.dataset.stream;
    made.append(link, bar, marked(text, spans));
    return made;
  }

  #rest() {
    const rest = this.rows.length - this.shown;
    this.foot.hidden = rest <= 0;
    this.button.textContent = `${plural(rest, "more line")} of ${this.name}`;
  }
}

class Search {
  constructor(root) {
    this.list = $("ol", root);
    this.logs = $$("[data-who]", root).map((item) => new Log(item));
    this.queue = [];
    this.total = 0;
    this.began = performance.now();
    this.state = "searching";
    const url = new URL(root.dataset.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(url);
    this.socket.addEventListener("message", (event) => { this.queue.push(JSON.parse(event.data)); this.#later(); });
    this.socket.addEventListener("close", (event) => this.#closed(event.code));
    this.beat = setInterval(() => { if (this.socket.readyState === WebSocket.OPEN) this.socket.send('{"type":"beat"}'); }, BEAT_MS);
    this.ticking = setInterval(() => this.#status(), STATUS_MS);
    $("[data-search='cancel']").addEventListener("click", () => this.cancel());
    document.addEventListener("qd:escape", (event) => { if (this.state === "searching") { this.cancel(); event.preventDefault(); } });
    this.#status();
  }

  cancel() {
    if (this.state !== "searching") return;
    this.#end("cancelled");
    this.socket.close();
  }

  // A hidden tab draws no frames, but the search goes on.
  #later() {
    if (document.hidden) setTimeout(() => this.#step(), 100);
    else requestAnimationFrame(() => this.#step());
  }

  #step() {
    if (!this.queue.length) return;
    for (const message of this.queue.splice(0)) {
      if (message.s) this.total = message.s;
      if (message.t === "log") this.logs[message.c].tell(message);
      else if (message.t === "found") this.logs[message.c].add(message.d, this.list);
      else if (message.t === "end") this.#finish(message);
    }
    for (const log of this.logs) if (log.count && !log.count.textContent) log.tell(log.told);
    if (this.socket.readyState === WebSocket.OPEN && this.total) this.socket.send(`{"type":"ack","s":${this.total}}`);
    this.#status();
  }

  #finish({ why, text }) {
    if (why === "pattern") this.#error(`This is no regular expression: ${text}`);
    else if (why) this.#error(WHY[why]);
    this.#end(why ? "stopped" : "done");
    this.socket.close();
  }

  #closed(code) {
    if (code === 4401 || code === 4403) leave();
    if (this.state === "searching") {
      this.#error("The connection to the console was cut. What was found stays; search again to read the rest.");
      this.#end("cut");
    }
  }

  #end(state) {
    this.state = state;
    this.took = performance.now() - this.began;
    clearInterval(this.beat);
    clearInterval(this.ticking);
    $("[data-search='cancel']").hidden = true;
    this.#status();
  }

  #error(text) {
    $("#search-error").textContent = text;
    $("#search-error").hidden = false;
  }

  #status() {
    const sum = (name) => this.logs.reduce((total, log) => total + (log.told[name] ?? 0), 0);
    const read = this.logs.filter((log) => ["read", "full", "refused"].includes(log.told.state)).length;
    const matches = sum("n"), holding = this.logs.filter((log) => log.told.n).length, bytes = sum("bytes");
    const seconds = (this.took ?? performance.now() - this.began) / 1000;
    const found = matches ? `${plural(matches, "match", "matches")} in ${plural(holding, "log")}` : this.state === "searching" ? "Nothing found yet" : "Nothing found";
    if ($("#search-sum").textContent !== found) $("#search-sum").textContent = found;
    $("#search-read").textContent = `${n(read)} of ${plural(this.logs.length, "log")} read, ${plural(sum("lines"), "line")}, ${size(bytes)}`;
    const ended = { done: "done", cancelled: "cancelled", stopped: "ended early", cut: "cut" }[this.state];
    $("#search-speed").textContent = ended ? `${ended} after ${seconds.toFixed(1)} s` : `${size(bytes / Math.max(0.1, seconds))}/s`;
    $("#search-progress").value = this.state === "done" ? this.logs.length : read;
    $("#search-progress").classList.toggle("done", this.state === "done");
    const lamp = this.state === "searching" ? "busy" : this.state === "done" ? "done" : "warning";
    document.dispatchEvent(new CustomEvent("qd:stream", { detail: [lamp, ended ? `Search ${ended}` : `Searching ${plural(this.logs.length, "log")}`, ""] }));
  }
}

ready(() => { for (const root of $$("[data-qd='log-search']")) new Search(root); });
