// The charts of one container: an hour in memory, one sample a second while this page is looked at.
import uPlot from "uplot";

const root = document.querySelector("[data-qd=charts]");
const KEEP = 3600, BEAT = 15000, FIRST = 500, LONGEST = 10_000; // samples, ms, ms, ms
const GAP = 5; // seconds without a sample: a hole in the line
// [time, cpu, cpus, memory, memory limit, received, sent, read, written, processes, their limit]
const T = 0, CPU = 1, CPUS = 2, MEMORY = 3, LIMIT = 4, IN = 5, OUT = 6, READ = 7, WRITTEN = 8, PROCESSES = 9, MOST = 10;
const samples = []; // rows with the time in seconds
let range = 600, paused = false, socket = null, attempt = 0, gone = false;

const size = (bytes) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
};
const percent = (value) => `${value.toFixed(1)}%`;
const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const part = (name, selector) => root.querySelector(`[data-chart=${name}] ${selector}`);
const say = (text) => { document.querySelector("[data-chart-state]").textContent = text; };

/** Samples of the chosen range, with a null where nobody looked. */
function shown() {
  const last = samples.at(-1)?.[T] ?? 0, rows = [];
  let before = null;
  for (const row of samples) {
    if (row[T] < last - range) continue;
    if (before !== null && row[T] - before > GAP) rows.push([before + 1, ...Array(10).fill(null)]);
    rows.push(row);
    before = row[T];
  }
  return rows;
}

/** A counter's growth per second; a restart begins again at nothing. */
const rate = (rows, column) => rows.map((row, n) => {
  const last = rows[n - 1];
  if (!n || row[column] === null || last[column] === null) return null;
  return Math.max(0, row[column] - last[column]) / Math.max(0.5, row[T] - last[T]);
});

function chart(name, series, show, least) {
  const host = part(name, ".plot");
  const axis = () => ({ stroke: of("--ink-3"), grid: { stroke: of("--line"), width: 1 }, ticks: { show: false }, font: "10px JetBrains Mono Variable, monospace" });
  const options = {
    width: host.clientWidth || 400, height: 160, padding: [8, 8, 0, 0], cursor: { y: false, sync: { key: "qd" } }, legend: { show: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.15, least)] } },
    axes: [
      { ...axis(), space: 80, size: 26, values: (_, all) => all.map((at) => new Date(at * 1000).toTimeString().slice(0, range > 900 ? 5 : 8)) },
      { ...axis(), size: 62, values: (_, all) => all.map(show) },
    ],
    series: [{}, ...series.map((colour) => ({ stroke: of(colour), width: 1.5, fill: `${of(colour)}20`, points: { show: false }, spanGaps: false }))],
  };
  return new uPlot(options, [[], ...series.map(() => [])], host);
}

let charts = {};
function build() {
  for (const one of Object.values(charts)) one.destroy();
  charts = {
    cpu: chart("cpu", ["--c1"], (v) => percent(v), 1),
    memory: chart("memory", ["--c2"], size, 1000),
    network: chart("network", ["--c1", "--c3"], size, 100),
    block: chart("block", ["--c2", "--c4"], size, 100),
  };
  draw();
}

function words(host, parts) {
  const nodes = [];
  for (const [key, text] of parts) {
    if (key) {
      const square = document.createElement("span");
      square.className = `key ${key}`;
      nodes.push(square);
    }
    nodes.push(`${text}\u2002`);
  }
  host.replaceChildren(...nodes);
}

function draw() {
  if (paused || document.hidden) return;
  const rows = shown(), times = rows.map((row) => row[T]);
  const column = (n) => rows.map((row) => row[n]);
  const traffic = [rate(rows, IN), rate(rows, OUT)], blocks = [rate(rows, READ), rate(rows, WRITTEN)];
  charts.cpu.setData([times, column(CPU)]);
  charts.memory.setData([times, column(MEMORY)]);
  charts.network.setData([times, ...traffic]);
  charts.block.setData([times, ...blocks]);
  const now = samples.at(-1);
  if (!now) return;
  const real = rows.filter((row) => row[CPU] !== null), used = real.map((row) => row[CPU]);
  words(part("cpu", "[data-now]"), [["", percent(now[CPU])]]);
  part("cpu", "[data-more]").textContent = `avg ${percent(used.reduce((a, b) => a + b, 0) / used.length)}, max ${percent(Math.max(...used))} of ${now[CPUS]} core${now[CPUS] === 1 ? "" : "s"} (100% is one)`;
  words(part("memory", "[data-now]"), [["", size(now[MEMORY])]]);
  const most = `max ${size(Math.max(...real.map((row) => row[MEMORY])))}`;
  part("memory", "[data-more]").textContent = root.dataset.limited ? `${most}, limit ${size(now[LIMIT])}, ${percent((now[MEMORY] / now[LIMIT]) * 100)} of it` : `${most}, no limit set, ${size(now[LIMIT])} on the host`;
  words(part("network", "[data-now]"), [["k1", `${size(traffic[0].at(-1) ?? 0)}/s in`], ["k3", `${size(traffic[1].at(-1) ?? 0)}/s out`]]);
  part("network", "[data-more]").textContent = `total ${size(now[IN])} in, ${size(now[OUT])} out`;
  words(part("block", "[data-now]"), [["k2", `${size(blocks[0].at(-1) ?? 0)}/s read`], ["k4", `${size(blocks[1].at(-1) ?? 0)}/s written`]]);
  part("block", "[data-more]").textContent = `total ${size(now[READ])} read, ${size(now[WRITTEN])} written`;
  words(part("processes", "[data-now]"), [["", String(now[PROCESSES])]]);
  part("processes", "[data-more]").textContent = now[MOST] ? `limit ${now[MOST]}` : "no limit set";
}

function add(row) {
  const at = Date.parse(row[T]) / 1000;
  if (Number.isNaN(at) || at <= (samples.at(-1)?.[T] ?? 0)) return;
  samples.push([at, ...row.slice(1)]);
  if (samples.length > KEEP) samples.shift();
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}${root.dataset.path}`);
  const mine = socket, tell = (message) => { if (mine.readyState === WebSocket.OPEN) mine.send(JSON.stringify(message)); };
  const timer = setInterval(() => tell({ type: "beat" }), BEAT);
  mine.onopen = () => {
    attempt = 0;
    say("");
    tell({ type: "watch", ids: [root.dataset.id], every: 1, history: true });
  };
  mine.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.t === "history") said.d.forEach(add);
    else if (said.t === "stats") {
      const row = said.d[root.dataset.id];
      if (row) add(row);
      say(row ? "" : `${root.dataset.name} is not running`);
    }
    draw();
    if (said.s) tell({ type: "ack", s: said.s });
  };
  mine.onclose = (event) => {
    clearInterval(timer);
    if (gone || mine !== socket) return;
    if (event.code === 4401 || event.code === 4403 || event.code === 4404) { say("Not connected, reload the page"); return; }
    const wait = Math.min(FIRST * 2 ** attempt, LONGEST) * (0.8 + Math.random() * 0.4);
    attempt += 1;
    say(`Reconnecting in ${Math.ceil(wait / 1000)} s`);
    setTimeout(() => { if (!gone && !document.hidden) connect(); }, wait);
  };
}

function leave() {
  const old = socket;
  socket = null;
  old?.close();
}

function csv() {
  const head = "time,cpu_percent,cpus,memory_bytes,memory_limit_bytes,received_bytes,sent_bytes,read_bytes,written_bytes,processes,processes_limit";
  const lines = samples.map((row) => [new Date(row[T] * 1000).toISOString(), ...row.slice(1)].join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([[head, ...lines].join("\n")], { type: "text/csv" }));
  link.download = `${root.dataset.name}-stats.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-range], [data-pause], [data-csv]");
  if (!button) return;
  if ("csv" in button.dataset) csv();
  else if ("pause" in button.dataset) {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    draw();
  } else {
    range = Number(button.dataset.range);
    for (const one of document.querySelectorAll("[data-range]")) one.setAttribute("aria-pressed", String(one === button));
    draw();
  }
});
// Nobody looks at a hidden tab: nothing is sampled for it.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  else if (!socket || socket.readyState > WebSocket.OPEN) connect();
});
addEventListener("pagehide", () => { gone = true; leave(); });
new ResizeObserver(() => { for (const [name, one] of Object.entries(charts)) one.setSize({ width: part(name, ".plot").clientWidth, height: 160 }); }).observe(root);
new MutationObserver(build).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

build();
if (!root.dataset.running) say(`${root.dataset.name} is not running`);
connect();
