// One terminal's socket: opens or takes up a session, tells what was drawn, comes back after a drop.
import { onWake } from "../qd/awake.js";

const FIRST = 400, LONGEST = 8000, BEAT = 15000, SILENT = 40000, TELL = 40; // ms
const WHY = {
  4400: "The console closed the terminal: too much was sent.",
  4401: "You are signed out.",
  4403: "Your right to a shell was withdrawn.",
  4404: "The container is gone.",
};

export class TerminalSocket {
  /** `asked`: the opening message. `on`: size(), output(bytes, drawn), replaying(on), session(m), refused(m), end(m), state(text), again(). */
  constructor(path, asked, on) {
    Object.assign(this, { path, asked, on, session: asked.session ?? "", attempt: 0, over: false, gone: false });
    this.connect();
    this.timer = setInterval(() => this.alive(SILENT), BEAT);
    onWake(() => this.alive(BEAT * 1.2));
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.total = this.undrawn = this.replay = 0;
    this.socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.say({ type: "open", ...(this.session ? { session: this.session } : this.asked), ...this.on.size() });
    this.heard = Date.now();
    this.socket.onmessage = (event) => {
      this.heard = Date.now();
      if (typeof event.data === "string") this.hear(JSON.parse(event.data));
      else this.draw(new Uint8Array(event.data));
    };
    this.socket.onclose = (event) => this.closed(event);
  }

  /** The server says something every 15 s; a line that was silent for longer than `silent` ms is dead and given up. */
  alive(silent) {
    if (this.over || this.gone || this.socket.readyState === WebSocket.CLOSED) return;
    if (Date.now() - this.heard <= silent) {
      this.say({ type: "beat" });
      return;
    }
    const socket = this.socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.closed({ code: 1006 });
  }

  draw(bytes) {
    const old = bytes.subarray(0, this.replay), fresh = bytes.subarray(old.length);
    this.replay -= old.length;
    if (old.length) this.put(old, this.replay === 0);
    if (fresh.length) this.put(fresh, false);
  }

  put(bytes, endsReplay) {
    const socket = this.socket;
    this.total += bytes.length;
    this.undrawn += bytes.length;
    this.on.output(bytes, () => {
      if (socket !== this.socket) return;
      if (endsReplay) this.on.replaying(false);
      this.undrawn -= bytes.length;
      this.tell();
    });
  }

  hear(said) {
    if (said.s) {
      this.total = said.s; // the running total includes this message and all bytes before it
      this.tell();
    }
    if (said.t === "session") {
      this.attempt = 0;
      this.session = said.id;
      this.replay = said.replay;
      this.on.replaying(said.replay > 0);
      this.on.session(said);
    } else if (said.t === "refused" || said.t === "end") {
      this.over = true;
      this.on[said.t](said);
    }
  }

  /** Acknowledge what was drawn, a few times a second at most. */
  tell() {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.say({ type: "ack", s: this.total - this.undrawn });
    }, TELL);
  }

  closed(event) {
    if (this.over || this.gone) return;
    if (WHY[event.code]) {
      this.over = true;
      this.on.end({ text: WHY[event.code], code: null });
      return;
    }
    const wait = Math.min(FIRST * 2 ** this.attempt, LONGEST) * (0.8 + Math.random() * 0.4);
    this.attempt += 1;
    this.on.state(`Connection lost, again in ${Math.ceil(wait / 1000)} s`);
    setTimeout(() => {
      if (this.gone) return;
      this.on.again();
      this.connect();
    }, wait);
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  type(bytes) {
    if (this.socket.readyState === WebSocket.OPEN && !this.over) this.socket.send(bytes);
  }

  /** This page looks no more; the session lives on for a while. */
  leave() {
    this.gone = true;
    clearInterval(this.timer);
    clearTimeout(this.telling);
    this.socket.close();
  }
}
