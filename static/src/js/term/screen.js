// One xterm with its addons, coloured like the page. What a program sends cannot reach the clipboard, the title or type back.
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";

const SCROLLBACK = 10_000; // lines
const CHUNK = 8192; // characters of one message typed
// What a terminal answers by itself: place of the cursor, kind, modes, focus.
const REPLY = /^\x1b(?:\[[?>]?[\d;]*[cRn]|\[\??\d+;\d\$y|\[[IO]|P[^\x1b]*\x1b\\)$/;
const MANY_LINES = 1; // a paste of more asks first

function colours() {
  const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
  const dark = document.documentElement.dataset.theme === "dark";
  return {
    background: of("--bg"), foreground: of("--ink"), cursor: of("--ink"), cursorAccent: of("--bg"),
    selectionBackground: dark ? "#2b4a77" : "#bcd4f7",
    black: dark ? "#39444f" : "#13202b", red: of("--bad"), green: of("--ok"), yellow: of("--warn"),
    blue: of("--a4"), magenta: of("--a5"), cyan: of("--a6"), white: dark ? "#c9d1d9" : "#5a6775",
    brightBlack: of("--ink-3"), brightRed: of("--bad-dot"), brightGreen: of("--ok-dot"), brightYellow: of("--warn-dot"),
    brightBlue: of("--c1"), brightMagenta: of("--c3"), brightCyan: of("--c2"), brightWhite: of("--ink"),
  };
}

export class Screen {
  /** `type(bytes)` is called with what the person typed, `sized({rows, columns})` when the size changes. */
  constructor(host, { type, sized, leave, find }) {
    this.host = host;
    this.terminal = new Terminal({
      allowProposedApi: true, cursorBlink: false, fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: 13, lineHeight: 1.25, scrollback: SCROLLBACK, theme: colours(), minimumContrastRatio: 4.5, screenReaderMode: false,
      linkHandler: { activate: (_, uri) => open_link(uri) }, windowOptions: {},
    });
    const terminal = host.qdTerminal = this.terminal;
    this.fitter = new FitAddon();
    this.searcher = new SearchAddon();
    for (const addon of [this.fitter, this.searcher, new Unicode11Addon(), new WebLinksAddon((_, uri) => open_link(uri))]) terminal.loadAddon(addon);
    terminal.unicode.activeVersion = "11";
    // Titles and the clipboard are the page's: OSC 0, 1, 2 and 52 end here. Replies that a program can ask for are swallowed,
    // but for those that full-screen programs need (cursor position, device attributes).
    for (const code of [0, 1, 2, 4, 10, 11, 12, 50, 52, 104, 110, 111, 112]) terminal.parser.registerOscHandler(code, () => true);
    for (const intermediates of ["$", "+"]) terminal.parser.registerDcsHandler({ intermediates, final: "q" }, () => true);
    terminal.parser.registerCsiHandler({ final: "t" }, () => true);
    terminal.open(host);
    this.webgl();
    // While old output is shown again: whoever asked in it has got an answer, a second one would be typed into what runs now.
    this.replaying = false;
    terminal.onData((text) => { if (!this.replaying || !REPLY.test(text)) this.send(text, type); });
    terminal.onBinary((text) => type(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    terminal.onResize(({ rows, cols }) => sized({ rows, columns: cols }));
    terminal.attachCustomKeyEventHandler((event) => this.key(event, leave, find));
    host.addEventListener("paste", (event) => this.paste(event), true);
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(host);
    new MutationObserver(() => { terminal.options.theme = colours(); }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.fit();
  }

  webgl() {
    try {
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose());
      this.terminal.loadAddon(addon);
    } catch {
      // no WebGL: the DOM renderer draws
    }
  }

  fit() { if (this.host.offsetParent) this.fitter.fit(); }

  get size() { return { rows: this.terminal.rows, columns: this.terminal.cols }; }

  send(text, type) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += CHUNK) type(bytes.slice(at, at + CHUNK));
  }

  key(event, leave, find) {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    if (event.key === "Escape") leave();
    else if (event.code === "KeyC") {
      const text = this.terminal.getSelection();
      if (text) navigator.clipboard?.writeText(text);
    } else if (event.code === "KeyF") find();
    else return true;
    event.preventDefault();
    return false;
  }

  /** Several lines at once are shown before they run. */
  paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    if (lines.length <= MANY_LINES) return;
    event.preventDefault();
    event.stopPropagation();
    this.ask(lines, () => this.terminal.paste(text));
  }

  ask(lines, paste) {
    const dialog = document.createElement("dialog"), form = document.createElement("form"), title = document.createElement("h2");
    dialog.className = "modal";
    form.className = "dialog";
    form.method = "dialog";
    title.textContent = `Paste ${lines.length} lines into the terminal?`;
    const list = document.createElement("pre");
    list.className = "code";
    list.textContent = lines.slice(0, 12).join("\n") + (lines.length > 12 ? `\n… ${lines.length - 12} more` : "");
    const buttons = document.createElement("div");
    buttons.className = "actions";
    for (const [label, value, kind] of [["Cancel", "", "btn"], ["Paste", "paste", "btn primary"]]) {
      const button = document.createElement("button");
      Object.assign(button, { className: kind, value, textContent: label, autofocus: !value });
      buttons.append(button);
    }
    form.append(title, list, buttons);
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "paste") paste();
      dialog.remove();
      this.terminal.focus();
    });
    dialog.showModal();
  }

  write(bytes, drawn) { this.terminal.write(bytes, drawn); }

  /** A line of the console's own between the program's. */
  note(text) { this.terminal.write(`\r\n\x1b[2m── ${text}\x1b[0m\r\n`); }

  dispose() {
    this.watcher.disconnect();
    this.terminal.dispose();
  }
}

function open_link(uri) {
  if (!/^https?:\/\//.test(uri)) return;
  if (confirm(`Open ${uri}?`)) window.open(uri, "_blank", "noopener,noreferrer");
}
