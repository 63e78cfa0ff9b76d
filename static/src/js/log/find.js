// The search in a log: an expression or plain words, which rows hold it, and the current one.
const LOOK = 20_000; // characters of a line that an expression is tried on
const SPECIAL = /[.*+?^${}()|[\]\\]/g;

export class Find {
  pattern = null; // global, for marking
  error = "";
  current = null; // entry
  #test = null;

  /** Another search; says whether it can be used. */
  set(text, regex, matchCase) {
    this.error = "";
    this.pattern = this.#test = null;
    if (!text) {
      this.current = null;
      return true;
    }
    const flags = matchCase ? "u" : "iu";
    try {
      const source = regex ? text : text.replace(SPECIAL, "\\$&");
      this.pattern = new RegExp(source, `g${flags}`);
      const test = new RegExp(source, flags);
      test.test(""); // one that is too large is found out here, not when it is made
      this.#test = test;
      return true;
    } catch (error) {
      this.pattern = null;
      this.error = `This is no regular expression: ${String(error.message).replace(/^Invalid regular expression: /, "")}`;
      this.current = null;
      return false;
    }
  }

  get on() { return this.#test !== null; }

  matches(entry) {
    if (this.#test === null || entry.rule) return false;
    return this.#test.test(entry.text.length > LOOK ? entry.text.slice(0, LOOK) : entry.text);
  }

  /** The index of the next match in `rows` from `from` on in direction `step`, around the end; -1 for none. */
  next(rows, from, step) {
    for (let tried = 0, at = from; tried < rows.length; tried += 1, at += step) {
      const index = ((at % rows.length) + rows.length) % rows.length;
      if (rows[index].hit) return index;
    }
    return -1;
  }

  /** "3 of 9", "9 lines", "none". */
  count(rows) {
    let total = 0, place = 0;
    for (const entry of rows) {
      if (!entry.hit) continue;
      total += 1;
      if (entry === this.current) place = total;
    }
    if (!total) return "none";
    const all = total.toLocaleString("en");
    return place ? `${place.toLocaleString("en")} of ${all}` : all;
  }
}
