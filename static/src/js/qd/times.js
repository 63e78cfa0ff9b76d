// Relative times: <time datetime="…" data-rel="ago|age">. The server wrote the first text; here it ages.
import { $$, ready } from "./dom.js";

/** "14 s", "6 min", "3 d": the largest unit that fits, as on the server. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  if (s < 86400 * 60) return `${Math.floor(s / 86400)} d`;
  if (s < 86400 * 730) return `${Math.floor(s / (86400 * 30))} months`;
  return `${Math.floor(s / (86400 * 365))} years`;
}

// The reader's clock may be wrong: measure everything against the server's.
let skew = 0;

function tick() {
  const now = Date.now() / 1000 + skew;
  for (const time of $$("time[data-rel]")) {
    const at = Date.parse(time.dateTime) / 1000;
    if (Number.isNaN(at)) continue;
    const text = span(now - at) + (time.dataset.rel === "ago" ? " ago" : "");
    if (time.textContent !== text) time.textContent = text;
  }
}

ready(() => {
  const served = Number(document.body.dataset.now);
  if (served) {
    const loaded = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
    skew = served - (performance.timeOrigin + loaded) / 1000;
    if (Math.abs(skew) < 2) skew = 0;
  }
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
