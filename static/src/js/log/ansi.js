// A line of a log as text and colours. What a terminal would obey is taken out, apart from colours (SGR): cursor moves, titles, the
// clipboard (OSC 52), device questions. What stays of control characters is shown as its picture and does nothing.
import Anser from "anser";

const PLAIN = /^[^\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$/;
// CSI; then OSC, DCS, SOS, PM and APC with what they hold; then escapes of two bytes. 8-bit forms as well. An escape ends a string
// whatever follows, as in a terminal: so every beginning matches, and no line takes longer than its length.
const SEQUENCES = /(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~])|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$|(?=\x1b))|\x1b[ -/]*[0-~]/g;
const UNSAFE = /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const SGR = /\x1b\[[\d;]*m/g;
const CODES = /^[\d;:]{0,200}$/; // of more than that nobody sees anything, and each costs
const LEVELS = [0, 95, 135, 175, 215, 255];
const HUES = { black: "a0", red: "a1", green: "a2", yellow: "a3", blue: "a4", magenta: "a5", cyan: "a6", white: "a7" };
const STYLES = { bold: "ab", dim: "a8", italic: "ai", underline: "au", strikethrough: "as" };

function picture(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** SGR with colons (38:2::r:g:b, 4:3) as SGR with semicolons. */
function colours(codes) {
  return codes.replace(/([34]8):2:(?:\d*:)?(\d+):(\d+):(\d+)/g, "$1;2;$2;$3;$4").replace(/([34]8):5:(\d+)/g, "$1;5;$2").replace(/:\d*/g, "");
}

function keepColours(sequence, codes, between, last) {
  return last === "m" && !between && codes !== undefined && CODES.test(codes) ? `\x1b[${colours(codes)}m` : "";
}

/** What a progress bar showed last; the colours it had set before still count. */
function lastState(raw) {
  const parts = raw.split("\r");
  let at = parts.length - 1;
  while (at > 0 && !parts[at].replace(SEQUENCES, "")) at -= 1;
  return parts.slice(0, at).flatMap((part) => part.match(SGR) ?? []).join("") + parts.slice(at).join("");
}

/** The line with no control but SGR. */
function clean(raw) {
  const line = raw.includes("\r") ? lastState(raw) : raw;
  return line.replace(SEQUENCES, keepColours).replace(UNSAFE, picture);
}

/** The text of a line as it is shown and searched. */
export function plain(raw) {
  if (PLAIN.test(raw)) return raw;
  return clean(raw).replace(SGR, "").replaceAll("\x1b", "\u241b");
}

const OFF = { 22: ["1", "2"], 23: ["3"], 24: ["4"], 27: ["7"], 29: ["9"] };
const ON = new Set(["1", "2", "3", "4", "7", "9"]);

/** Sets what one SGR sequence sets: `state` is {fg, bg, styles}. */
function obey(state, codes) {
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at], number = Number(code);
    if (number === 0) Object.assign(state, { fg: "", bg: "", styles: new Set() });
    else if (ON.has(code)) state.styles.add(code);
    else if (OFF[code]) for (const one of OFF[code]) state.styles.delete(one);
    else if (number === 38 || number === 48) {
      const length = codes[at + 1] === "2" ? 5 : 3;
      state[number === 38 ? "fg" : "bg"] = codes.slice(at, at + length).join(";");
      at += length - 1;
    } else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) state.fg = code;
    else if ((number >= 40 && number <= 47) || (number >= 100 && number <= 107)) state.bg = code;
    else if (number === 39) state.fg = "";
    else if (number === 49) state.bg = "";
  }
}

/** The colours that hold after a line, as one SGR sequence or "": what a line does not reset goes on in the next. */
export function carried(before, raw) {
  const state = { fg: "", bg: "", styles: new Set() };
  for (const sequence of (before + clean(raw)).match(SGR) ?? []) obey(state, sequence.slice(2, -1).split(";"));
  const codes = [...state.styles, state.fg, state.bg].filter(Boolean);
  return codes.length ? `\x1b[${codes.join(";")}m` : "";
}

function palette(number) {
  if (number > 231) return Array(3).fill(8 + (number - 232) * 10).join(", ");
  const n = number - 16;
  return [LEVELS[Math.floor(n / 36)], LEVELS[Math.floor(n / 6) % 6], LEVELS[n % 6]].join(", ");
}

/** ["a1", ""] or ["", "r, g, b"]. */
function hue(name, truecolor) {
  if (!name) return ["", ""];
  if (name === "ansi-truecolor") return ["", truecolor ?? ""];
  const number = /^ansi-palette-(\d+)$/.exec(name);
  if (number) return ["", palette(Number(number[1]))];
  const word = name.slice(5);
  if (word === "bright-black") return ["a8", ""];
  return [HUES[word.replace("bright-", "")] ?? "", ""];
}

/** The line as [{text, css, fg, bg}]: css are classes, fg and bg are "r, g, b" or "". */
export function chunks(raw) {
  if (PLAIN.test(raw)) return [{ text: raw, css: "", fg: "", bg: "" }];
  return Anser.ansiToJson(clean(raw), { use_classes: true, remove_empty: true }).map((part) => {
    let [ink, fg] = hue(part.fg, part.fg_truecolor), [ground, bg] = hue(part.bg, part.bg_truecolor);
    const css = part.decorations.map((name) => STYLES[name]).filter(Boolean);
    if (part.decorations.includes("reverse")) css.push("ar");
    else if (ink) css.push(ink);
    if (ground && !css.includes("ar")) css.push(`on-${ground}`);
    if (fg) css.push("afg");
    if (bg) css.push("abg");
    return { text: part.content.replaceAll("\x1b", "\u241b"), css: css.join(" "), fg, bg };
  });
}
