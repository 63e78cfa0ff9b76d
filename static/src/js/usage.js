// CPU and memory of the containers on screen: columns of the list, top consumers of the dashboard, meters of a phone.
import { $, $$, on } from "./qd/dom.js";
import { fill, MOST, percent, put, size, spark, Usage } from "./qd/usage.js";

const CHECK = 2000; // ms between looks for figures that are too old

/** Call `run` once after all changes of the page that were made together, before they are painted. */
function afterChanges(run) {
  new MutationObserver(run).observe($("#main"), { childList: true, subtree: true });
  setInterval(() => { if (!document.hidden) run(); }, CHECK);
}

// ── the list ─────────────────────────────────────────────────

function list(table) {
  const seen = new Set(); // cells on screen
  const watched = new WeakSet();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
    }
    choose();
  });
  const usage = new Usage(table.dataset.usage, 2, draw);
  const rows = (group) => $$("tr[data-use]:not([data-gone])", group);

  /** What is on screen, and the rest of its groups where there is room: a sum wants all of them. */
  function choose() {
    const ids = new Set(), groups = new Set();
    for (const cell of seen) {
      const row = cell.closest("tr[data-use]");
      if (!row || !cell.isConnected) seen.delete(cell);
      else if (row.dataset.gone === undefined && ids.size < MOST) {
        ids.add(row.dataset.use);
        groups.add(row.parentElement);
      }
    }
    for (const group of groups) {
      const rest = rows(group).map((row) => row.dataset.use).filter((id) => !ids.has(id));
      if (ids.size + rest.length <= MOST) rest.forEach((id) => ids.add(id));
    }
    usage.watch([...ids].sort());
  }

  function draw() {
    for (const row of $$("#container-table tr[data-use]")) {
      const now = usage.of(row.dataset.use), [cpu, memory] = $$("[data-use-of]", row);
      if (!cpu || !memory) continue;
      fill($(".f", cpu), now ? now.cpu / now.cpus : 0);
      fill($(".f", memory), now?.limit ? (now.memory / now.limit) * 100 : 0);
      put($("span", cpu), now ? percent(now.cpu) : "–");
      put($("span", memory), now ? size(now.memory) : "–");
      cpu.title = now ? `${percent(now.cpu)} of one core, there are ${now.cpus}` : "";
      memory.title = now?.limit ? `${size(now.memory)} of ${size(now.limit)}` : "";
    }
    for (const sum of $$("#container-table [data-use-sum]")) {
      const all = rows(sum.closest("tbody")).map((row) => usage.of(row.dataset.use));
      const known = all.length > 0 && all.every(Boolean);
      const of = (name) => all.reduce((total, now) => total + now[name], 0);
      put(sum, known ? `${percent(of("cpu"))} CPU, ${size(of("memory"))}` : "");
    }
  }

  function refresh() {
    for (const cell of $$("#container-table tr[data-use] [data-use-of=cpu]")) {
      if (watched.has(cell)) continue;
      watched.add(cell);
      observer.observe(cell);
    }
    choose();
    draw();
  }
  afterChanges(refresh);
  refresh();
}

// ── the dashboard ────────────────────────────────────────────

const LEAST = { cpu: 5, network: 1000 }; // what the upper edge of a line stands for at least
const LINES = { cpu: 1, memory: 2, network: 3 }; // places in the past
const HEADS = { cpu: "CPU", memory: "CPU", network: "Network" };

/** The line of one figure over the last ten minutes. */
function line(svg, past, of) {
  const points = past.map((one) => [one[0], one[LINES[of]]]);
  spark(svg, points, Math.max(LEAST[of] ?? 1, ...points.map((one) => one[1])) * 1.15);
}

function top(panel) {
  let by = "cpu";
  const usage = new Usage(panel.dataset.usageTop, 2, draw, true);

  function fillRow(row, item, now) {
    const link = $("a", row), [first, second] = $$(".spark", row), past = usage.past(item.dataset.use);
    const left = by === "network" ? "network" : "cpu", memory = $("[data-use-of=memory]", row);
    if (link.getAttribute("href") !== item.dataset.href) link.setAttribute("href", item.dataset.href);
    put(link, item.dataset.name);
    const lamp = item.firstElementChild, shown = $(".st", row);
    if (shown?.getAttribute("class") !== lamp.getAttribute("class")) $("[data-use-lamp]", row).replaceChildren(lamp.cloneNode(true));
    line(first, past, left);
    line(second, past, "memory");
    put($("[data-use-of=rate]", row), left === "cpu" ? percent(now.cpu) : `${size(now.network)}/s`);
    put($("span", memory), size(now.memory));
    put($(".dim", memory), now.limit ? ` / ${size(now.limit)}` : "");
  }

  function draw() {
    const all = $$("#top-consumers [data-use]").map((item) => ({ item, now: usage.of(item.dataset.use) })).filter(({ now }) => now);
    all.sort((a, b) => b.now[by] - a.now[by] || b.now.memory - a.now.memory);
    $$("#top-consumers tbody tr").forEach((row, n) => {
      row.hidden = !all[n];
      if (all[n]) fillRow(row, all[n].item, all[n].now);
    });
    put($("#top-consumers [data-use-head]"), HEADS[by]);
    const waits = $("#top-consumers [data-use-waits]");
    if (waits) waits.hidden = all.length > 0;
    for (const button of $$("#top-consumers [data-use-by]")) button.setAttribute("aria-pressed", String(button.dataset.useBy === by));
  }

  function refresh() {
    usage.watch($$("#top-consumers [data-use]").map((item) => item.dataset.use).slice(0, MOST).sort());
    draw();
  }
  on("click", "#top-consumers [data-use-by]", (button) => { by = button.dataset.useBy; draw(); });
  afterChanges(refresh);
  refresh();
}

// ── one container, on a phone ────────────────────────────────

function one(path) {
  const usage = new Usage(path, 2, draw, true);

  function draw() {
    const meters = $("[data-usage-one]");
    if (!meters) return;
    const now = usage.of(meters.dataset.use), past = usage.past(meters.dataset.use);
    put($("[data-use-of=cpu]", meters), now ? percent(now.cpu) : "–");
    put($("[data-use-of=memory]", meters), now ? size(now.memory) : "–");
    const [cpu, memory] = $$(".spark", meters);
    line(cpu, past, "cpu");
    line(memory, past, "memory");
  }

  function refresh() {
    const meters = $("[data-usage-one]");
    usage.watch(meters && meters.checkVisibility() ? [meters.dataset.use] : []);
    draw();
  }
  afterChanges(refresh);
  addEventListener("resize", refresh);
  refresh();
}

const table = $("[data-usage]"), panel = $("[data-usage-top]"), single = document.querySelector("[data-usage-path]");
if (table) list(table);
if (panel) top(panel);
if (single) one(single.dataset.usagePath);
