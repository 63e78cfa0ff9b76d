// What containers use now: the socket of consumers/stats.py, open only while somebody looks at some of them.
import { $ } from "./dom.js";

const BEAT = 15_000, FIRST = 500, LONGEST = 10_000, STALE = 10_000; // ms
const OVER = new Set([4400, 4401, 4403, 4404]); // coming again would not help
const AT = 0, CPU = 1, CPUS = 2, MEMORY = 3, LIMIT = 4, IN = 5, OUT = 6; // places in a sample
const PAST = 600, LEAST = 60, GAP = 25; // seconds that a line shows at most, at least; without a sample that break it
export const MOST = 120; // containers of one socket

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

export const percent = (value) => `${value < 99.95 ? value.toFixed(1) : Math.round(value)}%`;

/** Write only what differs: what did not change is no change of the page. */
export function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** A meter of ui/meter: amber from 75, red from 90. */
export function fill(bar, part) {
  const value = Math.min(100, Math.max(0, part));
  bar.setAttribute("width", value ? Math.max(1.5, value).toFixed(1) : "0");
  bar.setAttribute("class", value >= 90 ? "f max" : value >= 75 ? "f hot" : "f");
}

/**
 * Draw a line of [seconds, value] into an svg of 100 by 18 with two paths: the right edge is the newest, the left one the
 * oldest of ten minutes, the upper one `top`. Where nobody looked there is no line.
 */
export function spark(svg, points, top) {
  const end = points.at(-1)?.[0] ?? 0, from = Math.max(end - PAST, points[0]?.[0] ?? 0), span = Math.max(LEAST, end - from);
  const runs = [];
  let last = -Infinity;
  for (const [at, value] of points) {
    if (at < from) continue;
    if (at - last > GAP) runs.push([]);
    runs.at(-1).push([100 - ((end - at) / span) * 100, 17 - Math.min(1, value / top) * 16]);
    last = at;
  }
  const lines = runs.map((run) => run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L"));
  const areas = runs.map((run, n) => `M${lines[n]}L${run.at(-1)[0].toFixed(1)} 18L${run[0][0].toFixed(1)} 18Z`);
  $(".l", svg)?.setAttribute("d", lines.map((line) => `M${line}`).join(""));
  $(".a", svg)?.setAttribute("d", areas.join(""));
}

export class Usage {
  #path;
  #every;
  #changed;
  #samples = new Map(); // id → [sample, when]
  #wanted = [];
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #over = false;
  #past = null; // id → [[seconds, cpu, memory, bytes of the network per second]], where that is wanted

  /** `path` of the socket, seconds between two messages, what to call when there is news, whether to keep the past. */
  constructor(path, every, changed, past = false) {
    if (past) this.#past = new Map();
    this.#path = path;
    this.#every = every;
    this.#changed = changed;
    document.addEventListener("visibilitychange", () => this.#look());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.#look(); });
  }

  /** The containers that are looked at; none closes the socket. */
  watch(ids) {
    const same = ids.length === this.#wanted.length && ids.every((id, n) => id === this.#wanted[n]);
    this.#wanted = ids;
    if (same) return;
    this.#forget();
    this.#look(true);
  }

  /** {cpu, cpus, memory, limit} or null: not running, not known yet, or too old to be true. */
  of(id) {
    const [sample, when] = this.#samples.get(id) ?? [null, 0];
    if (!sample || performance.now() - when > STALE) return null;
    const rate = this.past(id).at(-1)?.[3] ?? 0;
    return { cpu: sample[CPU], cpus: sample[CPUS], memory: sample[MEMORY], limit: sample[LIMIT], network: rate };
  }

  /** What is known of the last ten minutes, oldest first. */
  past(id) { return this.#past?.get(id) ?? []; }

  #keep(id, sample) {
    if (!this.#past || !sample) return;
    const known = this.#past.get(id) ?? [], before = known.at(-1), at = Date.parse(sample[AT]) / 1000;
    if (Number.isNaN(at) || at <= (before?.[0] ?? 0)) return;
    const total = sample[IN] + sample[OUT];
    const rate = before && at - before[0] <= GAP ? Math.max(0, total - before.total) / (at - before[0]) : 0;
    known.push(Object.assign([at, sample[CPU], sample[MEMORY], rate], { total }));
    while (known[0][0] < at - PAST) known.shift();
    this.#past.set(id, known);
  }

  #forget() {
    for (const id of this.#past?.keys() ?? []) if (!this.#wanted.includes(id)) this.#past.delete(id);
  }

  #look(changed = false) {
    if (document.hidden || !this.#wanted.length) this.#close();
    else if (!this.#socket) this.#connect();
    else if (changed) this.#tell({ type: "watch", ids: this.#wanted, every: this.#every });
  }

  #tell(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const old = this.#socket;
    this.#socket = null;
    old?.close();
  }

  #connect() {
    if (this.#over || this.#timer) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = this.#socket = new WebSocket(`${scheme}://${location.host}${this.#path}`);
    const beat = setInterval(() => { if (socket === this.#socket) this.#tell({ type: "beat" }); }, BEAT);
    socket.onopen = () => {
      if (socket === this.#socket) this.#tell({ type: "watch", ids: this.#wanted, every: this.#every, history: this.#past !== null });
    };
    socket.onmessage = (event) => { if (socket === this.#socket) this.#heard(JSON.parse(event.data)); };
    socket.onclose = (event) => {
      clearInterval(beat);
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#over = OVER.has(event.code);
      const wait = Math.min(FIRST * 2 ** this.#attempt, LONGEST) * (0.8 + Math.random() * 0.4);
      this.#attempt += 1;
      this.#timer = setTimeout(() => { this.#timer = 0; this.#look(); }, wait);
    };
  }

  #heard(said) {
    if (said.t === "stats") {
      this.#attempt = 0;
      for (const [id, sample] of Object.entries(said.d)) {
        this.#samples.set(id, [sample, performance.now()]);
        this.#keep(id, sample);
      }
      while (this.#samples.size > 4 * MOST) this.#samples.delete(this.#samples.keys().next().value);
      this.#changed();
    }
    if (said.t === "history") for (const sample of said.d) this.#keep(said.id, sample);
    if (said.s) this.#tell({ type: "ack", s: said.s });
  }
}
