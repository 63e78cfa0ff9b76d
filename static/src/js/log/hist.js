// The strip over a log: how many lines when, errors in red. A click goes there.
import { ERROR } from "./level.js";
import { moment } from "./row.js";

const BINS = 96, WIDTH = 960, HEIGHT = 34, STEP = WIDTH / BINS;
const SVG = "http://www.w3.org/2000/svg";

function bar(svg, css, at, height) {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["class", css], ["x", at * STEP], ["y", (HEIGHT - height).toFixed(1)], ["width", STEP - 2], ["height", height.toFixed(1)]]) rect.setAttribute(name, value);
  svg.append(rect);
}

export class Histogram {
  #svg;
  #from = 0;
  #to = 0;
  #drawn = "";

  /** `go(ms)` is called with the time that was clicked. */
  constructor(svg, go) {
    this.#svg = svg;
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      if (this.#to) go(this.#from + ((event.clientX - box.left) / box.width) * (this.#to - this.#from));
    });
  }

  draw(rows) {
    const lines = rows.filter((entry) => !entry.rule && entry.ms);
    const from = lines[0]?.ms ?? 0, to = lines.at(-1)?.ms ?? 0;
    const all = new Array(BINS).fill(0), bad = new Array(BINS).fill(0);
    const span = Math.max(1000, to - from + 1);
    for (const entry of lines) {
      const at = Math.min(BINS - 1, Math.max(0, Math.floor(((entry.ms - from) / span) * BINS)));
      all[at] += 1;
      if (entry.level === ERROR) bad[at] += 1;
    }
    const drawn = `${from} ${all} ${bad}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    [this.#from, this.#to] = [from, from ? from + span : 0];
    const most = Math.max(1, ...all), room = HEIGHT - 6;
    this.#svg.replaceChildren();
    for (let at = 0; at < BINS; at += 1) {
      if (!all[at]) continue;
      const height = Math.max(2, Math.sqrt(all[at] / most) * room);
      bar(this.#svg, "f-idle", at, height);
      if (bad[at]) bar(this.#svg, "f-bad", at, Math.max(2, (bad[at] / all[at]) * height));
    }
    const errors = bad.reduce((sum, n) => sum + n, 0);
    const words = lines.length ? `${lines.length.toLocaleString("en")} lines from ${moment(from)} to ${moment(to)}, ${errors.toLocaleString("en")} of them errors` : "No lines";
    this.#svg.setAttribute("aria-label", words);
  }
}
