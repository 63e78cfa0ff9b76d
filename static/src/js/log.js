// The log view: <div data-qd="log" data-socket="/ws/e/…/logs?…"> with its toolbar (templates/logs/_view.html).
import { $, $$, ready, typing } from "./qd/dom.js";
import { Entries, KEEP } from "./log/entries.js";
import { Find } from "./log/find.js";
import { Histogram } from "./log/hist.js";
import { ERROR, WARN } from "./log/level.js";
import { List } from "./log/list.js";
import { moment, row, rule, zone } from "./log/row.js";
import { LogSocket } from "./log/socket.js";

const STATUS_MS = 250, HISTOGRAM_MS = 1000, TYPING_MS = 120;
const FLOOD = 500, FLOOD_MS = 120; // more lines than that at once: nobody reads them, and drawing them each frame would hold them up
const SAY_MS = 3000; // errors are announced together
const n = (value) => value.toLocaleString("en");
const plural = (count, word) => `${n(count)} ${word}${count === 1 ? "" : "s"}`;

/** What stands between lines, in plain words. */
function words(entry, name) {
  const about = name ? `${name} ` : "The container ";
  switch (entry.rule) {
    case "quiet": return `${moment(entry.ms)}. ${plural(Math.floor(entry.text / 60_000), "quiet minute")}.`;
    case "skip": return `${plural(entry.text, "line")}${name ? ` of ${name}` : ""} skipped: more came than this browser could take.`;
    case "stopped": return `${about}stopped${entry.text ? `: ${entry.text}` : ""}.`;
    case "started": return `${about}started again.`;
    case "lost": return `Connection to the engine lost${name ? ` (${name})` : ""}: ${entry.text} Lines are fetched when it is back.`;
    case "resumed": return `Connection to the engine is back${name ? ` (${name})` : ""}. Nothing was missed.`;
    case "gone": return `${name || "The container"} is gone: ${entry.text}`;
    case "refused": return `The log${name ? ` of ${name}` : ""} cannot be read. The engine says: ${entry.text}`;
    case "cut": return "The connection to the console was cut here and is back. Nothing was missed.";
    case "end": return "End of the range.";
    default: return String(entry.text);
  }
}

class LogView {
  constructor(root) {
    this.root = root;
    this.many = Boolean(root.dataset.many);
    this.whos = $$("[data-who]").map((button) => ({ button, name: button.dataset.name, colour: button.dataset.colour, on: true }));
    if (!this.whos.length) this.whos = [{ button: null, name: root.dataset.name, colour: "1", on: true }];
    this.entries = new Entries(this.whos.length);
    this.find = new Find();
    this.scroller = $(".log", root);
    this.pill = $(".follow", root);
    this.field = $("#log-search input[name='q']");
    this.level = new URLSearchParams(location.search).get("stream") === "stderr" ? "stderr" : "";
    this.only = false;
    this.unread = 0;
    this.total = 0; // running total of the socket that was taken
    this.state = "opening";
    this.unreadable = this.opened = false;
    this.errors = [];
    this.lost = new Set(); // containers whose engine is away: told once
    this.list = new List(this.scroller, $("ol", this.scroller), (entry) => this.#row(entry), (follow, scrolled) => this.#moved(follow, scrolled));
    this.hist = new Histogram($(".hist", root), (ms) => this.#goTo(ms));
    this.queue = [];
    this.frame = 0;
    this.drawn = -FLOOD_MS;
    this.socket = new LogSocket(root.dataset.socket, this.whos.length, (message) => { this.queue.push(message); this.#later(); }, (name, detail) => this.#socketState(name, detail));
    this.#controls();
    this.#search(false);
    this.socket.open();
    setInterval(() => this.#status(), STATUS_MS);
    setInterval(() => { if (!document.hidden) this.hist.draw(this.entries.all); }, HISTOGRAM_MS);
    setInterval(() => this.#announce(), SAY_MS);
    new ResizeObserver(() => this.#later()).observe(this.scroller);
  }

  // ── a frame ────────────────────────────────────────────────

  #later() {
    if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.#step(); });
  }

  #step() {
    for (const message of this.queue.splice(0)) this.#take(message);
    if (this.total) this.socket.acknowledge(this.total);
    const now = performance.now(), waiting = this.entries.waiting;
    if (this.list.follow && waiting > FLOOD && waiting < KEEP / 2 && now - this.drawn < FLOOD_MS) {
      this.#later();
      return;
    }
    this.drawn = now;
    const { added, placed, removed } = this.entries.settle(now);
    const shown = [];
    for (const entry of added) {
      entry.hit = this.find.matches(entry);
      if (this.#passes(entry)) shown.push(entry);
      if (entry.level === ERROR && entry.live) this.errors.push(entry);
    }
    this.list.append(shown);
    for (const entry of placed) {
      entry.hit = this.find.matches(entry);
      if (this.#passes(entry)) this.list.insert(entry);
    }
    if (removed.length) this.list.drop(removed.filter((entry) => this.#passes(entry)).length);
    if (!this.list.follow) this.unread += shown.filter((entry) => !entry.rule).length;
    this.list.render();
    if (added.length) this.#pill();
    if (this.many && this.state !== "ended") setTimeout(() => this.#later(), 100);
  }

  #take(message) {
    if (message.s) this.total = message.s;
    if (message.t === "lines") {
      this.#back(message.c);
      this.entries.lines(message.c, message.d);
    }
    else if (message.t === "skip") this.entries.skip(message.c, message.n);
    else if (message.t === "end") this.#rule("end", -1, "");
    else if (message.t === "mark") {
      if (message.what === "past" || message.what === "resumed") this.#back(message.c);
      if (message.what === "past") this.entries.pastRead(message.c);
      else if (message.what === "lost") this.#lost(message.c, message.text);
      else if (message.what !== "resumed") this.#rule(message.what, message.c, message.text ?? "");
      if (message.what === "refused") this.unreadable = true;
      if (message.what === "gone" || message.what === "refused") this.entries.pastRead(message.c);
    }
  }

  #rule(what, c, text) {
    if (what === "end" && !new URL(this.root.dataset.socket, location).searchParams.has("until")) return;
    this.entries.rule(what, c, text);
  }

  #lost(c, text) {
    if (!this.lost.has(c)) this.#rule("lost", c, text);
    this.lost.add(c);
  }

  #back(c) {
    if (this.lost.delete(c)) this.#rule("resumed", c, "");
  }

  #passes(entry) {
    if (entry.rule) return entry.rule !== "quiet" || (!this.level && !this.only);
    if (!this.whos[entry.c].on) return false;
    if (this.level === "error" && entry.level !== ERROR) return false;
    if (this.level === "warn" && entry.level !== WARN) return false;
    if (this.level === "stderr" && entry.stream !== 2) return false;
    return !(this.only && this.find.on) || entry.hit;
  }

  #row(entry) {
    const who = this.many && entry.c >= 0 ? this.whos[entry.c] : null;
    if (entry.rule) return rule(words(entry, who?.name ?? ""));
    return row(entry, who, this.find.pattern, entry === this.find.current);
  }

  /** What is shown changed. */
  #filter() {
    this.list.set(this.entries.all.filter((entry) => this.#passes(entry)));
    this.list.render();
    this.#status();
  }

  // ── search ─────────────────────────────────────────────────

  #pressed(name) { return $(`[data-log="${name}"]`).getAttribute("aria-pressed") === "true"; }

  #search(jump) {
    const text = this.field.value;
    const usable = this.find.set(text, this.#pressed("regex"), this.#pressed("case"));
    const error = $("#log-q-error");
    error.textContent = this.find.error;
    error.hidden = usable;
    this.field.setAttribute("aria-invalid", String(!usable));
    for (const entry of this.entries.all) entry.hit = this.find.matches(entry);
    for (const name of ["prev", "next", "only"]) $(`[data-log="${name}"]`).hidden = !this.find.on;
    $("#log-search kbd").hidden = this.find.on;
    this.find.current = null;
    this.list.refresh();
    this.#filter();
    if (jump && this.find.on && usable) this.#step2(this.list.last(), -1);
  }

  /** Go to the next match from row `from` on. */
  #step2(from, step) {
    const index = this.find.next(this.list.rows, from, step);
    if (index < 0) return false;
    const before = this.find.current;
    this.find.current = this.list.rows[index];
    if (before) this.list.refresh(before);
    this.list.refresh(this.find.current);
    this.list.show(index);
    this.#status();
    return true;
  }

  #go(step) {
    if (!this.find.on) return false;
    const at = this.find.current ? this.list.indexOf(this.find.current) + step : step > 0 ? this.list.first() : this.list.last();
    return this.#step2(at, step);
  }

  #goTo(ms) {
    const index = this.list.rows.findIndex((entry) => entry.ms >= ms);
    this.list.show(index < 0 ? this.list.rows.length - 1 : index);
  }

  // ── following ──────────────────────────────────────────────

  #moved(follow, scrolled) {
    if (follow) this.unread = 0;
    if (scrolled) this.#later();
    this.#pill();
    this.#status();
  }

  #pill() {
    this.pill.hidden = this.list.follow;
    const text = this.unread ? `▼ ${plural(this.unread, "new line")}` : "▼ To the newest";
    if (!this.pill.hidden && this.pill.textContent !== text) this.pill.textContent = text;
  }

  #toEnd() {
    getSelection()?.removeAllRanges();
    this.unread = 0;
    this.list.toEnd();
    this.#pill();
  }

  // ── what the page says ─────────────────────────────────────

  #socketState(name, detail) {
    if (name === "again") {
      this.entries.clear();
      this.#filter();
    }
    if (name === "open") {
      if (this.opened) this.entries.resuming();
      if (this.state === "waiting" && !this.lost.size) this.#rule("cut", -1, "");
      this.opened = true;
      this.total = 0;
      this.queue = this.queue.filter((message) => { message.s = 0; return true; });
    }
    this.state = name;
    this.retryAt = detail;
    this.#later();
    this.#status();
  }

  /** [lamp, words that are read out, words that tick] for the foot bar. */
  #says() {
    if (this.state === "waiting") return ["busy", "Log: reconnecting", ` in ${Math.max(0, Math.ceil((this.retryAt - performance.now()) / 1000))} s`];
    if (this.state === "opening") return ["busy", "Log: connecting", ""];
    if (this.state === "refused") return ["failed", "Log: closed by the console", ", reload the page"];
    if (this.state === "hidden") return ["paused", "Log: paused while the tab is hidden", ""];
    const kept = this.entries.of.reduce((sum, lines) => sum + lines, 0);
    if (this.unreadable && !kept) return ["warning", "Log: cannot be read", ""];
    if (this.state === "ended" || this.state === "over") return ["done", "Log: read to the end", ` · ${plural(kept, "line")}`];
    const parts = [];
    if (this.entries.oneOf > 1) parts.push(`1 of ${this.entries.oneOf} lines shown`);
    if (this.entries.skipped) parts.push(`${n(this.entries.skipped)} skipped`);
    if (this.entries.all.length >= KEEP) parts.push(`the last ${n(KEEP)} kept`);
    const more = parts.length ? ` · ${parts.join(" · ")}` : "";
    if (!this.list.follow) return ["paused", "Log paused while you read", more];
    return ["running", this.many ? `Following ${this.whos.length} logs` : "Following", ` · ${n(Math.round(this.entries.rate))} lines/s${more}`];
  }

  #status() {
    document.dispatchEvent(new CustomEvent("qd:stream", { detail: this.#says() }));
    for (const place of $$("[data-n]")) {
      const text = n(this.entries.counts[place.dataset.n]);
      if (place.textContent !== text) place.textContent = text;
    }
    if (this.many) this.whos.forEach((who, c) => { $(".dim", who.button).textContent = n(this.entries.of[c]); });
    const count = this.find.on ? this.find.count(this.list.rows) : "";
    if ($("#log-count").textContent !== count) $("#log-count").textContent = count;
  }

  #announce() {
    const errors = this.errors.splice(0);
    if (!errors.length || !this.#pressed("say")) return;
    const last = errors.at(-1).text.slice(0, 200);
    $("#log-said").textContent = errors.length === 1 ? last : `${errors.length} errors, the last: ${last}`;
  }

  // ── controls ───────────────────────────────────────────────

  #controls() {
    const press = (button, on) => button.setAttribute("aria-pressed", String(on));
    const toggle = (name, then) => {
      const button = $(`[data-log="${name}"]`);
      button.addEventListener("click", () => { press(button, !this.#pressed(name)); then(this.#pressed(name)); });
    };
    const levels = $$("[data-level]");
    const show = (level) => {
      this.level = level;
      for (const one of levels) press(one, one.dataset.level === level);
      this.#filter();
    };
    for (const button of levels) button.addEventListener("click", () => show(button.dataset.level));
    for (const one of levels) press(one, one.dataset.level === this.level);
    toggle("regex", () => this.#search(true));
    toggle("case", () => this.#search(true));
    toggle("only", (on) => { this.only = on; this.#filter(); });
    toggle("say", () => {});
    toggle("time", (on) => { this.scroller.classList.toggle("notime", !on); this.list.refresh(); this.list.render(); });
    toggle("wrap", (on) => { this.scroller.classList.toggle("nowrap", !on); this.list.wrap = on; for (const entry of this.entries.all) entry.width = entry.height = 0; this.list.refresh(); this.list.render(); });
    $("[data-log='prev']").addEventListener("click", () => this.#go(-1));
    $("[data-log='next']").addEventListener("click", () => this.#go(1));
    $("[data-log='more']").addEventListener("click", (event) => {
      const open = $("#log-bar").classList.toggle("open");
      event.currentTarget.setAttribute("aria-expanded", String(open));
    });
    this.pill.addEventListener("click", () => { this.#toEnd(); this.scroller.focus(); });
    $("#log-zone").textContent = zone();
    this.#fields(toggle);
    this.#keys();
  }

  #fields() {
    let timer = 0;
    this.field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => this.#search(true), TYPING_MS); });
    $("#log-search").addEventListener("submit", (event) => { event.preventDefault(); this.#go(1); });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#go(event.shiftKey ? -1 : 1);
    });
    this.whos.forEach((who, c) => who.button?.addEventListener("click", () => this.#toggleWho(c)));
    this.scroller.addEventListener("click", (event) => {
      const entry = event.target.closest("[data-log='fold']")?.closest("li").qdEntry;
      if (!entry) return;
      this.list.pause();
      entry.open = !entry.open;
      entry.height = 0;
      this.list.refresh(entry);
      this.list.render();
    });
    document.addEventListener("selectionchange", () => {
      const selection = getSelection();
      if (selection && !selection.isCollapsed && this.scroller.contains(selection.anchorNode)) this.list.pause();
    });
    this.scroller.addEventListener("copy", (event) => this.#copy(event));
  }

  #toggleWho(c) {
    const who = this.whos[c];
    who.on = !who.on;
    who.button.setAttribute("aria-pressed", String(who.on));
    this.#filter();
  }

  /** A selection over rows as text: a line for each, without times and names. */
  #copy(event) {
    const selection = getSelection();
    if (!selection?.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0), lines = [];
    for (const part of $$(".m, .rule", this.scroller)) {
      if (!range.intersectsNode(part)) continue;
      const own = document.createRange();
      own.selectNodeContents(part);
      if (part.contains(range.startContainer)) own.setStart(range.startContainer, range.startOffset);
      if (part.contains(range.endContainer)) own.setEnd(range.endContainer, range.endOffset);
      lines.push(own.toString());
    }
    if (!lines.length) return;
    event.clipboardData.setData("text/plain", lines.join("\n"));
    event.preventDefault();
  }

  #keys() {
    const keys = {
      n: () => this.#go(1), N: () => this.#go(-1),
      w: () => { $("[data-log='wrap']").click(); return true; },
      f: () => { if (this.list.follow) this.list.pause(); else this.#toEnd(); this.#pill(); this.#status(); return true; },
      End: () => { this.#toEnd(); return true; },
    };
    document.addEventListener("qd:key", (event) => { if (keys[event.detail.key]?.()) event.preventDefault(); });
    document.addEventListener("qd:escape", (event) => {
      if (!this.field.value) return;
      this.field.value = "";
      this.#search(false);
      event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if (!this.many || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.body.dataset.keys === "off" || $("dialog.modal[open]")) return;
      const c = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
      if (!this.whos[c]?.button) return;
      event.preventDefault();
      this.#toggleWho(c);
    }, { capture: true });
  }
}

ready(() => { for (const root of $$("[data-qd='log']")) new LogView(root); });
