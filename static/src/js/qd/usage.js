// What containers use now: the socket of consumers/stats.py, open only while somebody looks at some of them.
const BEAT = 15_000, FIRST = 500, LONGEST = 10_000, STALE = 10_000; // ms
const OVER = new Set([4400, 4401, 4403, 4404]); // coming again would not help
const CPU = 1, CPUS = 2, MEMORY = 3, LIMIT = 4; // places in a sample
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

  /** `path` of the socket, seconds between two messages, what to call when there is news. */
  constructor(path, every, changed) {
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
    if (!same) this.#look(true);
  }

  /** {cpu, cpus, memory, limit} or null: not running, not known yet, or too old to be true. */
  of(id) {
    const [sample, when] = this.#samples.get(id) ?? [null, 0];
    if (!sample || performance.now() - when > STALE) return null;
    return { cpu: sample[CPU], cpus: sample[CPUS], memory: sample[MEMORY], limit: sample[LIMIT] };
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
      if (socket === this.#socket) this.#tell({ type: "watch", ids: this.#wanted, every: this.#every });
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
      for (const [id, sample] of Object.entries(said.d)) this.#samples.set(id, [sample, performance.now()]);
      while (this.#samples.size > 4 * MOST) this.#samples.delete(this.#samples.keys().next().value);
      this.#changed();
    }
    if (said.s) this.#tell({ type: "ack", s: said.s });
  }
}
