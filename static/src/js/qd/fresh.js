// How fresh the page is. #fresh carries what the server knows (data-state, data-seen, data-now, data-since, data-retry); the socket of
// this page and the changes that wait can say something truer.
import { $, ready } from "./dom.js";
import { leave } from "./leave.js";
import { resync } from "./live.js";

const LAMPS = { live: "running", stale: "warning", unreachable: "failed", swapped: "failed", none: "created" };
const OVER = new Set([4401, 4403, 4404]); // close codes: signed out, right withdrawn, object gone
const ASK_AFTER = 3; // attempts
const RETRY = { first: 500, longest: 10_000, jitter: 0.3 };

let socket = "none"; // none, open, waiting, hidden, closed
let retryAt = 0;
let hold = { reason: "", count: 0 };
let stream = null; // what a log or a shell on the page says of itself: [lamp, words, words that tick]
let base = { at: performance.now(), age: null };

function measure() {
  const fresh = $("#fresh");
  const seen = Number(fresh?.dataset.seen || NaN), now = Number(fresh?.dataset.now || NaN);
  base = { at: performance.now(), age: Number.isNaN(now - seen) ? null : Math.max(0, now - seen) };
}

/** "0.4 s", "12 s", "3 min": one decimal below 10 s. */
function age() {
  if (base.age === null) return "";
  const seconds = base.age + (performance.now() - base.at) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min`;
}

function clock(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? "" : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** When the console asks the engine again: " · again in 3 s". */
function again() {
  const fresh = $("#fresh"), wait = Number(fresh.dataset.retry || NaN) - Number(fresh.dataset.now || NaN);
  const left = Math.ceil(wait - (performance.now() - base.at) / 1000);
  return left > 0 ? ` · again in ${left} s` : "";
}

/** [lamp, words read out when they change, words that tick]. */
function words(fresh) {
  const state = fresh.dataset.state || "none", since = clock(fresh.dataset.since);
  if (socket === "waiting") {
    const left = Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
    return ["busy", "Reconnecting", left ? ` in ${left} s` : ""];
  }
  if (socket === "closed") return ["failed", "Not connected", ", reload the page"];
  if (state === "none") return ["created", "No engine", ""];
  if (state === "swapped") return ["failed", "Another engine answers", since && ` since ${since}`];
  if (state === "unreachable") return ["failed", "Offline", (since && ` since ${since}`) + again()];
  if (state === "stale") return ["warning", "Stale", (since && ` since ${since}`) + again()];
  if (state === "new") return ["busy", "Connecting", ""];
  if (stream) return stream;
  if (hold.reason) return ["paused", `Paused while ${hold.reason}`, hold.count ? ` · ${hold.count} waiting` : ""];
  if (!$("#live") || socket === "hidden") return ["exited", "As of", age() && ` ${age()} ago`];
  return [LAMPS[state] ?? "exited", "Live", age() && ` · ${age()}`];
}

function show() {
  const fresh = $("#fresh");
  if (!fresh || document.hidden) return;
  const [lamp, said, ticking] = words(fresh);
  const svg = $(".st", fresh), word = $("[data-fresh-word]", fresh), time = $("[data-fresh-age]", fresh);
  if (svg && !svg.classList.contains(`st-${lamp}`)) {
    svg.setAttribute("class", `st st-${lamp}`);
    const use = $("use", svg);
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#l-${lamp}`));
  }
  if (word && word.textContent !== said) word.textContent = said;
  if (time && time.textContent !== ticking) time.textContent = ticking;
}

document.addEventListener("qd:stream", (event) => { stream = event.detail; show(); });
document.addEventListener("qd:hold", (event) => { hold = event.detail; show(); });
document.addEventListener("htmx:ws:after:connection", () => { socket = "open"; show(); });
document.addEventListener("htmx:ws:close", (event) => {
  const { connection, code, reason } = event.detail;
  if (reason === "removed") return;
  if (document.hidden) socket = "hidden";
  else if (OVER.has(code)) {
    socket = "closed";
    leave(code === 4404);
  }
  else if (connection.config.reconnectCodes.includes(code)) {
    // Choose the delay here, so that the count-down says when it really happens.
    const spread = 1 + (Math.random() * 2 - 1) * RETRY.jitter;
    const delay = Math.min(RETRY.first * 2 ** connection.attempt, RETRY.longest) * spread;
    Object.assign(connection.config, { reconnectDelay: delay, reconnectMaxDelay: delay, reconnectJitter: 0 });
    retryAt = performance.now() + delay;
    socket = "waiting";
    // Refused again and again: perhaps nobody is signed in any more. A plain request finds out, and leads to the sign-in.
    if (connection.attempt > 0 && connection.attempt % ASK_AFTER === 0) resync();
  } else socket = "closed";
  show();
});

ready(() => {
  measure();
  new MutationObserver((changes) => {
    if (changes.some((change) => change.type === "attributes" ? change.target.id === "fresh" : [...change.addedNodes].some((node) => node.id === "fresh"))) {
      measure();
      show();
    }
  }).observe($(".foot") ?? document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-seen", "data-now", "data-state", "data-retry"] });
  setInterval(show, 100);
});
