// The socket of a log: acknowledges what was rendered, says that it is alive, and comes again after a cut from where it stood.
import { onWake } from "../qd/awake.js";
import { leave } from "../qd/leave.js";
import { Place } from "./place.js";

const BEAT_MS = 15_000;
const SILENT_MS = 40_000; // nothing heard, not even a beat: the line is dead
const RETRY = { first: 250, longest: 10_000, jitter: 0.4 };
const OVER = new Set([4401, 4403, 4404]); // signed out, right withdrawn, object gone
const ENDED = new Set([4400]); // we broke a limit: coming again would break it again
const ASK_AFTER = 3; // refused so often: find out whether anybody is signed in
const MOST_TAIL = 20_000;
const TELL = 64 * 1024, TELL_MS = 1000; // characters that were rendered, or time after the first of them, until the console is told

export class LogSocket {
  #socket = null;
  #path;
  #take;
  #state;
  #places;
  #read; // for each container: whether its past was read once
  #attempt = 0;
  #timer = 0;
  #beat = 0;
  #heard = 0;
  #sent = 0;
  #rendered = 0;
  #telling = 0;
  #opened = false;
  #done = false;

  /** `path`: address with the range; `count` containers; `take(message)`, `state(name, detail)` are called. */
  constructor(path, count, take, state) {
    this.#path = path;
    this.#take = take;
    this.#state = state;
    this.#places = Array.from({ length: count }, () => new Place());
    this.#read = new Array(count).fill(false);
    document.addEventListener("visibilitychange", () => this.#looked());
    addEventListener("offline", () => this.#socket?.close());
    addEventListener("online", () => { if (this.#timer) this.#now(); });
    onWake(() => { if (this.#socket) this.#drop(1006); });
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.#now(); });
  }

  open() {
    if (this.#done || this.#socket || document.hidden) return;
    const address = this.#address();
    if (this.#opened && address.searchParams.has("until")) this.#state("again"); // a range is read from its beginning
    this.#opened = true;
    const socket = this.#socket = new WebSocket(address);
    this.#sent = this.#rendered = 0;
    this.#heard = performance.now();
    socket.addEventListener("message", (event) => { if (socket === this.#socket) this.#message(event.data); });
    socket.addEventListener("open", () => {
      this.#beat = setInterval(() => this.#alive(), BEAT_MS);
      this.#state("open");
    });
    socket.addEventListener("close", (event) => { if (socket === this.#socket) this.#closed(event.code); });
  }

  /** Everything up to the running total was rendered. */
  acknowledge(total) {
    if (this.#socket?.readyState !== WebSocket.OPEN || total <= this.#rendered) return;
    this.#rendered = total;
    if (total - this.#sent >= TELL) this.#tell();
    else this.#telling ||= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell() {
    clearTimeout(this.#telling);
    this.#telling = 0;
    if (this.#socket?.readyState !== WebSocket.OPEN || this.#rendered <= this.#sent) return;
    this.#sent = this.#rendered;
    this.#socket.send(`{"type":"ack","s":${this.#sent}}`);
  }

  end() {
    this.#done = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #address() {
    const url = new URL(this.#path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const asked = url.searchParams;
    if (asked.has("until") || this.#places.every((place) => place.empty)) {
      if (!asked.has("until") && this.#read.every(Boolean) && asked.has("tail")) asked.set("tail", MOST_TAIL);
      return url;
    }
    for (const place of this.#places) asked.append("after", String(place));
    // Those whose log was empty so far begin with what was written meanwhile.
    if (asked.has("tail") && this.#places.every((place, c) => !place.empty || this.#read[c])) asked.set("tail", MOST_TAIL);
    return url;
  }

  #message(data) {
    this.#heard = performance.now();
    const message = JSON.parse(data);
    if (message.t === "beat") return;
    if (message.what !== "lost") this.#attempt = 0; // the engine is away: no reason to come again ever faster
    if (message.t === "lines") {
      const place = this.#places[message.c];
      for (const [stream, time] of message.d) place.advance(stream, time);
    } else if (message.t === "mark" && message.what === "past") this.#read[message.c] = true;
    else if (message.t === "end") this.#done = true;
    this.#take(message);
    if (message.t === "end") this.#socket.close();
  }

  #alive() {
    if (performance.now() - this.#heard > SILENT_MS) this.#drop(1006);
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send('{"type":"beat"}');
  }

  /** Give the socket up without waiting for its close. */
  #drop(code) {
    const socket = this.#socket;
    this.#closed(code);
    socket?.close();
  }

  #closed(code) {
    this.#socket = null;
    clearInterval(this.#beat);
    if (this.#done) {
      this.#state("ended");
      return;
    }
    if (OVER.has(code)) {
      this.#done = true;
      this.#state("over");
      leave(code === 4404);
      return;
    }
    if (ENDED.has(code)) {
      this.#done = true;
      this.#state("refused");
      return;
    }
    if (document.hidden) {
      this.#state("hidden");
      return;
    }
    const delay = Math.min(RETRY.first * 2 ** this.#attempt, RETRY.longest) * (1 + (Math.random() * 2 - 1) * RETRY.jitter);
    this.#attempt += 1;
    if (this.#attempt % ASK_AFTER === 0) this.#ask();
    this.#state("waiting", performance.now() + delay);
    this.#timer = setTimeout(() => this.#now(), delay);
  }

  #now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#socket === null) this.open();
  }

  #looked() {
    if (document.hidden) this.#socket?.close();
    else if (!this.#socket) this.#now();
  }

  /** Refused again and again: a plain request finds out whether the page may still be seen. */
  async #ask() {
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) leave(answer.status === 404);
    } catch {
      // The console is not there: keep trying.
    }
  }
}
