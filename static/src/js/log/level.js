// How grave a line is: from a field of a JSON or key=value line, a word where loggers put it, a status of an access log, or its colour.
export const NONE = 0, DEBUG = 1, INFO = 2, WARN = 3, ERROR = 4;

const WORDS = {
  trace: DEBUG, debug: DEBUG, dbg: DEBUG, verbose: DEBUG, info: INFO, information: INFO, notice: INFO, log: INFO,
  warn: WARN, warning: WARN, err: ERROR, error: ERROR, fatal: ERROR, critical: ERROR, crit: ERROR, panic: ERROR, emerg: ERROR, emergency: ERROR, alert: ERROR, severe: ERROR,
};
const FIELDS = ["level", "severity", "lvl", "loglevel", "log_level", "levelname", "@level", "log.level"];
const LOOK = 240; // characters of a line that are looked at
const FIELD = /(?:^|[\s{,])"?(?:level|severity|lvl|loglevel)"?\s*[=:]\s*"?([A-Za-z]+)/;
const UPPER = /(?:^|[^A-Za-z0-9_./-])(FATAL|PANIC|EMERG(?:ENCY)?|ALERT|CRIT(?:ICAL)?|SEVERE|ERROR|ERR|WARN(?:ING)?|NOTICE|INFO|DEBUG|TRACE)(?=$|[^A-Za-z0-9_./-])/;
const BRACKET = /\[\s*(fatal|panic|emerg|alert|crit|critical|error|err|warn|warning|notice|info|debug|trace)\s*\]/i;
const COLON = /^(?:\S+\s+){0,4}(fatal|panic|critical|error|err|warning|warn|notice|info|debug)(?:\[\d+\])?:(?:\s|$)/i;
const KLOG = /^([EWIF])\d{4} \d\d:\d\d:\d\d\.\d+/;
const EXCEPTION = /^(?:Traceback \(most recent call last\):|Exception in thread |panic: |Unhandled |Uncaught |(?:[A-Za-z_][\w$]*\.)*[A-Z][A-Za-z]*(?:Error|Exception)\b)/;
const ACCESS = /" ([1-5])\d\d (?:\d+|-)(?: |$)/;
const COLOUR = /^\x1b\[(?:\d+;)*([39][13])(?:;\d+)*m/;
export const CONTINUES = /^(?:\s+\S|Caused by: |\.\.\. \d+ more)/;

/** The object of a JSON line, or null. */
export function json(text) {
  if (text.charCodeAt(0) !== 123 || text.length > 65_536 || !text.trimEnd().endsWith("}")) return null;
  try {
    const found = JSON.parse(text);
    return found && typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}

function number(value) { // pino and bunyan
  return value >= 50 ? ERROR : value >= 40 ? WARN : value >= 30 ? INFO : DEBUG;
}

function ofObject(found) {
  for (const name of FIELDS) {
    const value = found[name];
    if (typeof value === "number") return number(value);
    if (typeof value === "string") return WORDS[value.toLowerCase()] ?? NONE;
  }
  return NONE;
}

/** The level of a line: `raw` as it came, `text` without colours. */
export function level(raw, text) {
  const object = json(text);
  if (object) return ofObject(object);
  const head = text.length > LOOK ? text.slice(0, LOOK) : text;
  const field = FIELD.exec(head);
  if (field && WORDS[field[1].toLowerCase()]) return WORDS[field[1].toLowerCase()];
  const word = BRACKET.exec(head) ?? UPPER.exec(head) ?? COLON.exec(head);
  if (word) return WORDS[word[1].toLowerCase()];
  const klog = KLOG.exec(head);
  if (klog) return { E: ERROR, F: ERROR, W: WARN, I: INFO }[klog[1]];
  if (EXCEPTION.test(head)) return ERROR;
  const status = ACCESS.exec(text.length > 2000 ? text.slice(0, 2000) : text);
  if (status) return { 5: ERROR, 4: WARN }[status[1]] ?? NONE;
  const colour = raw.charCodeAt(0) === 27 ? COLOUR.exec(raw.slice(0, LOOK)) : null;
  return colour ? (colour[1].endsWith("1") ? ERROR : WARN) : NONE;
}
