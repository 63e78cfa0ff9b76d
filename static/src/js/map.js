// The network map: what the pointer or the keyboard is on stands out, a click pins it, Esc lets go.
import { $, $$, on } from "./qd/dom.js";

const LINGER = 140; // ms on a container before the panel tells of it
let asked = 0, panel = null; // the timer; the panel as it was before somebody pointed

const region = () => $("#network-map");
const topo = () => $("#network-map .topo");
const nodeOf = (target) => (target instanceof Element ? target.closest("#network-map .node") : null);

// ── what stands out ──────────────────────────────────────────

/** Let one container stand out with its networks and their members; null: what the server said. */
function focus(node) {
  const svg = topo();
  if (!svg || svg.classList.contains("is-pair")) return;
  const pin = svg.dataset.pin, me = node ?? (pin ? $(`.node[data-c="${CSS.escape(pin)}"]`, svg) : null);
  const nets = me ? me.dataset.nets.split(" ").filter((net) => net && !$(`.lane[data-n="${CSS.escape(net)}"] .nat`, svg)) : [];
  svg.classList.toggle("is-focus", Boolean(me));
  for (const part of $$("[data-c], [data-n]", svg)) {
    const own = (part.dataset.nets ?? part.dataset.n ?? "").split(" ");
    part.classList.toggle("reach", Boolean(me) && (part.dataset.c === me.dataset.c || own.some((net) => nets.includes(net))));
    part.classList.toggle("self", part === me);
  }
}

/** The panel tells of a container while somebody points at it, and is itself again afterwards. */
function tell(node) {
  clearTimeout(asked);
  if (topo()?.classList.contains("is-pair")) return;
  if (!node) {
    const now = $("#map-side");
    if (panel && now) now.replaceWith(panel);
    panel = null;
    return;
  }
  asked = setTimeout(() => {
    const side = $("#map-side");
    if (!side || !node.isConnected) return;
    panel ??= side.cloneNode(true);
    const address = new URL(location.href);
    address.searchParams.set("at", node.dataset.c);
    window.htmx.ajax("GET", address.pathname + address.search, { source: side, target: side, swap: "outerMorph" });
  }, LINGER);
}

let pointed = null;
function point(node) {
  if (node === pointed) return;
  pointed = node;
  focus(node);
  tell(node);
}
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch" && event.target instanceof Element && event.target.closest("#network-map .canvas")) point(nodeOf(event.target) ?? nodeOf(document.activeElement));
  else if (pointed && !nodeOf(document.activeElement) && !event.target.closest?.("#map-side")) point(null);
});
document.addEventListener("focusin", (event) => {
  const node = nodeOf(event.target);
  if (node || (pointed && !event.target.closest("#map-side"))) point(node);
});

// The socket had the map made anew: what stood out does so again.
document.addEventListener("qd:rows", () => {
  panel = null;
  const node = pointed ? $(`#network-map .node[data-c="${CSS.escape(pointed.dataset.c)}"]`) : null;
  pointed = node;
  if (node) { focus(node); tell(node); }
});

// Where no way is chosen a phone shows the table: its button says so.
const SMALL = matchMedia("(max-width: 900px)");
function ways() {
  const auto = region()?.classList.contains("as-auto"), links = $$("#map-ways a");
  if (!auto || links.length < 3) return;
  const [, map, table] = links, now = SMALL.matches ? table : map;
  for (const link of [map, table]) link.toggleAttribute("aria-current", false);
  now.setAttribute("aria-current", "page");
}
SMALL.addEventListener("change", ways);
document.addEventListener("htmx:after:swap", ways);
ways();

// ── going somewhere ──────────────────────────────────────────

function go(address) {
  clearTimeout(asked);
  panel = null;
  pointed = null;
  const target = region();
  return window.htmx.ajax("GET", address, { source: target, target, swap: "outerMorph", push: "true" });
}

const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.altKey;

/** While the page asks "can A reach B?", a click chooses A and a click with Shift B. */
function choose(node, event) {
  const address = new URL(location.href);
  if (!address.searchParams.has("a") && !address.searchParams.has("b")) return null;
  address.searchParams.set(event.shiftKey ? "b" : "a", node.dataset.c);
  return address.pathname + address.search;
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || !plain(event) || !region()) return;
  const node = nodeOf(event.target), link = event.target.closest?.("a[data-map]");
  if (!node && !link) return;
  event.preventDefault();
  if (link) return void go(link.getAttribute("href"));
  const id = node.id;
  go(choose(node, event) ?? node.getAttribute("href")).then(() => document.getElementById(id)?.focus({ preventScroll: true }));
});

document.addEventListener("qd:escape", (event) => {
  const address = new URL(location.href), named = ["pin", "a", "b", "port"].filter((name) => address.searchParams.has(name));
  if (!region() || (!named.length && !pointed)) return;
  event.preventDefault();
  document.activeElement?.blur?.();
  point(null);
  if (!named.length) return;
  for (const name of named) address.searchParams.delete(name);
  go(address.pathname + address.search);
});

/** From node to node with the arrows: the nearest one in that direction. */
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key], from = step && !event.ctrlKey && !event.altKey && !event.metaKey ? nodeOf(event.target) : null;
  if (!from) return;
  const box = from.getBoundingClientRect();
  let best = null, least = Infinity;
  for (const node of $$("#network-map .node")) {
    const other = node.getBoundingClientRect(), dx = other.x - box.x, dy = other.y - box.y;
    const ahead = dx * step[0] + dy * step[1], aside = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
    if (ahead > 4 && ahead + 3 * aside < least) [best, least] = [node, ahead + 3 * aside];
  }
  event.preventDefault();
  best?.focus();
}, true);

on("click", "[data-map-fit]", (button) => {
  const fit = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(fit));
  $("#network-map .canvas")?.classList.toggle("fit", fit);
});
