// Where a reader of a log stands, so that it can go on after a cut without a gap or a repeat (console/live/cursor.py): for each stream
// the time of the last line and how many lines of that time were read. Times are nanoseconds as text: too large for a number.
const NAMES = { 1: "stdout", 2: "stderr" };

/** Whether time `a` lies after time `b`. */
export const later = (a, b) => (a.length === b.length ? a > b : a.length > b.length);

export class Place {
  #places = new Map();

  get empty() { return this.#places.size === 0; }

  advance(stream, time) {
    const at = this.#places.get(stream);
    if (!at || later(time, at.time)) this.#places.set(stream, { time, count: 1 });
    else if (time === at.time && time !== "0") at.count += 1;
  }

  toString() {
    return [...this.#places].map(([stream, { time, count }]) => `${NAMES[stream]}:${time}:${count}`).join(",");
  }
}
