// A raw document as lines (containers/_json.html): folding, search, copy; and the filter over the readable groups.
// Each <li> that opens something says how many lines it holds (data-inner) and what stands for them (data-summary).
import { $, $$, on, ready } from "./qd/dom.js";
import { copy } from "./qd/clipboard.js";

const text = (line) => (line.dataset.text ??= $("span", line).textContent);
const lines = () => $$("[data-json] .src > li");
let hits = [], at = -1, wait = 0;

// ── folding ──────────────────────────────────────────────────

/** Show or hide the lines under `line`; what is folded inside stays folded. */
function fold(line, closed) {
  line.toggleAttribute("data-folded", closed);
  const all = lines(), start = all.indexOf(line), end = start + Number(line.dataset.inner);
  for (let i = start + 1; i <= end; i++) {
    all[i].hidden = closed;
    if (!closed && all[i].hasAttribute("data-folded")) i += Number(all[i].dataset.inner);
  }
  if (!closed) for (const inner of all.slice(start + 1, end + 1)) if (inner.hasAttribute("data-folded")) fold(inner, true);
  mark(line);
}

/** Draw a line: its fold button, what is found in it, and the summary when it is folded. */
function mark(line, needle = ($("[data-json-find]")?.value ?? "").toLowerCase()) {
  const span = $("span", line), whole = text(line);
  const parts = [];
  if (line.dataset.inner) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fold";
    button.textContent = line.hasAttribute("data-folded") ? "▸" : "▾";
    button.setAttribute("aria-expanded", String(!line.hasAttribute("data-folded")));
    button.setAttribute("aria-label", `${line.hasAttribute("data-folded") ? "Unfold" : "Fold"} ${whole.trim().replace(/[":{[\s]+$/g, "").replace(/^"/, "") || "the document"}`);
    parts.push(button);
  }
  let rest = line.hasAttribute("data-folded") ? whole.replace(/[{[]$/, "") : whole;
  while (needle && rest.toLowerCase().includes(needle)) {
    const from = rest.toLowerCase().indexOf(needle), found = document.createElement("mark");
    found.textContent = rest.slice(from, from + needle.length);
    parts.push(rest.slice(0, from), found);
    rest = rest.slice(from + needle.length);
  }
  parts.push(rest);
  if (line.hasAttribute("data-folded")) {
    const summary = document.createElement("span");
    summary.className = "dim";
    summary.textContent = line.dataset.summary;
    parts.push(summary);
  }
  span.replaceChildren(...parts);
}

on("click", ".src .fold", (button) => {
  const line = button.closest("li");
  fold(line, !line.hasAttribute("data-folded"));
  $(".fold", line).focus();
});

on("click", "[data-json-fold]", (button) => {
  const inner = lines().filter((line, index) => index > 0 && line.dataset.inner);
  const closed = inner.some((line) => !line.hasAttribute("data-folded"));
  for (const line of closed ? inner.reverse() : inner) if (line.hasAttribute("data-folded") !== closed) fold(line, closed);
  button.textContent = closed ? "Unfold all" : "Fold all";
});

// ── search ───────────────────────────────────────────────────

function search() {
  const needle = $("[data-json-find]").value.toLowerCase();
  for (const line of lines()) {
    const holds = Boolean(needle) && text(line).toLowerCase().includes(needle);
    if (holds || $("mark", line)) mark(line, needle);
  }
  hits = $$("[data-json] .src mark");
  at = -1;
  if (hits.length) step(1);
  else count();
}

function count() {
  const words = $("[data-json-count]"), needle = $("[data-json-find]").value;
  words.textContent = needle ? (hits.length ? `${at + 1} of ${hits.length}` : "no match") : "";
}

/** Go to the next or previous match, unfolding what hides it. */
function step(by) {
  if (!hits.length || !hits[0].isConnected) hits = $$("[data-json] .src mark");
  if (!hits.length) return false;
  $("mark.cur")?.classList.remove("cur");
  $(".src li.at")?.classList.remove("at");
  at = (at + by + hits.length) % hits.length;
  const line = hits[at].closest("li"), number = lines().indexOf(line);
  for (const [index, outer] of lines().entries()) {
    if (index >= number) break;
    if (outer.hasAttribute("data-folded") && index + Number(outer.dataset.inner) >= number) fold(outer, false);
  }
  hits = $$("[data-json] .src mark");
  hits[at].classList.add("cur");
  line.classList.add("at");
  line.scrollIntoView({ block: "nearest" });
  count();
  return true;
}

on("input", "[data-json-find]", () => {
  clearTimeout(wait);
  wait = setTimeout(search, 120);
});
on("submit", "[data-json] form", (form, event) => {
  event.preventDefault();
  step(1);
});
on("click", "[data-json-step]", (button) => step(Number(button.dataset.jsonStep)));
document.addEventListener("qd:key", (event) => {
  if ((event.detail.key === "n" || event.detail.key === "N") && step(event.detail.key === "n" ? 1 : -1)) event.preventDefault();
});

// ── copy, fields ─────────────────────────────────────────────

on("click", "[data-json-copy]", async (button) => {
  const done = await copy(`${lines().map(text).join("\n")}\n`);
  const use = $("use", button);
  if (!done || !use) return;
  const before = use.getAttribute("href");
  use.setAttribute("href", before.replace(/#.*/, "#i-check"));
  setTimeout(() => use.setAttribute("href", before), 1500);
});

/** Hide the pairs, and the groups without pairs, that do not hold what is typed. */
function fields() {
  const needle = $("[data-fields]").value.trim().toLowerCase();
  for (const group of $$("[data-fields-group]")) {
    const title = $("h2", group).textContent.toLowerCase();
    let some = false;
    for (const name of $$("dt", group)) {
      const value = name.nextElementSibling;
      const holds = `${title} ${name.textContent} ${value.textContent}`.toLowerCase().includes(needle);
      name.hidden = value.hidden = !holds;
      some ||= holds;
    }
    group.hidden = !some;
  }
}
on("input", "[data-fields]", fields);

ready(() => {
  for (const line of lines()) if (line.dataset.inner) mark(line);
  if ($("[data-json-find]")?.value) search();
});
