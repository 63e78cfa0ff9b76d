// A list of any length of which only what is seen stands in the document. Rows of one height are not measured; wrapped ones are, once for
// a width. Follows the end, or keeps the row in view where it is.
const OVERSCAN = 24; // rows
const MOST_SELECTED = 2000; // rows that stay because a selection runs through them
const EDGE = 4; // px from the end that count as the end

export class List {
  rows = [];
  follow = true;
  #scroller;
  #body;
  #make;
  #nodes = new Map(); // entry → row in the document
  #offsets = new Float64Array(1);
  #dirty = true;
  #anchor = null; // {entry, delta}: what is at the top, and how far it is scrolled over it
  #rowHeight = 18;
  #ruleHeight = 28;
  #width = 0;
  #lastTop = 0;
  #moved;
  wrap = true;

  /** `scroller` scrolls, `body` is the <ol> in it, `make(entry)` gives a row, `moved(follow)` is told when following ends or begins. */
  constructor(scroller, body, make, moved) {
    this.#scroller = scroller;
    this.#body = body;
    this.#make = make;
    this.#moved = moved;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** How many rows stand in the document. */
  get size() { return this.#nodes.size; }

  /** Other rows altogether: the one in view stays where it is if it is among them. */
  set(rows) {
    this.rows = rows;
    this.#dirty = true;
  }

  append(rows) {
    for (const row of rows) this.rows.push(row);
    this.#dirty ||= rows.length > 0;
  }

  insert(entry) {
    this.rows.splice(this.indexOf(entry), 0, entry);
    this.#dirty = true;
  }

  /** The first `count` rows are kept no more. */
  drop(count) {
    if (!count) return;
    this.rows.splice(0, count);
    this.#dirty = true;
  }

  /** Everything about the rows changed: make them anew. */
  refresh(entry = null) {
    const gone = entry ? [entry] : [...this.#nodes.keys()];
    for (const one of gone) {
      this.#nodes.get(one)?.remove();
      this.#nodes.delete(one);
      one.width = 0;
    }
    this.#dirty = true;
  }

  /** Where `entry` stands or would stand. */
  indexOf(entry) {
    let low = 0, high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].order < entry.order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The row at the upper edge. */
  first() { return this.#at(this.#scroller.scrollTop); }

  /** The row at the lower edge. */
  last() { return this.#at(this.#scroller.scrollTop + this.#scroller.clientHeight - 1); }

  /** Bring a row into the middle; following ends. */
  show(index) {
    const entry = this.rows[index];
    if (!entry) return;
    this.#follow(false);
    this.#anchor = { entry, delta: -this.#scroller.clientHeight * 0.4 };
    this.render();
  }

  /** Go to the end and stay there. */
  toEnd() {
    this.#follow(true);
    this.#anchor = null;
    this.render();
  }

  pause() {
    if (!this.follow) return;
    this.#keep();
    this.#follow(false);
  }

  render() {
    if (this.#width !== this.#body.clientWidth) {
      this.#width = this.#body.clientWidth;
      this.#dirty = true;
    }
    for (let pass = 0; pass < 3; pass += 1) {
      if (this.#dirty) this.#layOut();
      const top = this.#wantedTop();
      const [start, end] = this.#window(top);
      this.#patch(start, end);
      const changed = this.#measure(start, end);
      this.#pad(start, end);
      if (!changed) break;
    }
    const top = this.#wantedTop();
    if (Math.abs(this.#scroller.scrollTop - top) > 0.5) this.#scroller.scrollTop = top;
    this.#lastTop = this.#scroller.scrollTop;
    if (!this.follow && !this.#anchor) this.#keep();
  }

  #height(entry) {
    return entry.height || (entry.rule ? this.#ruleHeight : this.#rowHeight);
  }

  #layOut() {
    const rows = this.rows, offsets = this.#offsets.length > rows.length ? this.#offsets : (this.#offsets = new Float64Array(rows.length * 2 + 64));
    let sum = 0;
    for (let at = 0; at < rows.length; at += 1) {
      offsets[at] = sum;
      sum += this.#height(rows[at]);
    }
    offsets[rows.length] = sum;
    this.#dirty = false;
  }

  #at(offset) {
    let low = 0, high = this.rows.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (this.#offsets[middle] <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  #wantedTop() {
    const most = Math.max(0, this.#offsets[this.rows.length] + this.#extra() - this.#scroller.clientHeight);
    if (this.follow) return most;
    if (!this.#anchor) return Math.min(this.#scroller.scrollTop, most);
    const index = this.indexOf(this.#anchor.entry);
    return Math.min(most, Math.max(0, (this.#offsets[Math.min(index, this.rows.length)] ?? 0) + this.#anchor.delta));
  }

  /** Space of the scroller around the list. */
  #extra() { return 12; }

  #window(top) {
    let start = this.#at(top) - OVERSCAN, end = this.#at(top + this.#scroller.clientHeight) + OVERSCAN + 1;
    const selection = getSelection();
    if (selection && !selection.isCollapsed && this.#body.contains(selection.anchorNode) && this.#body.contains(selection.focusNode)) {
      const ends = [selection.anchorNode, selection.focusNode].map((node) => this.#indexOfNode(node)).filter((at) => at >= 0);
      const low = Math.min(start, ...ends), high = Math.max(end, ...ends.map((at) => at + 1));
      if (high - low <= MOST_SELECTED) [start, end] = [low, high];
    }
    return [Math.max(0, start), Math.min(this.rows.length, end)];
  }

  #indexOfNode(node) {
    const row = (node instanceof Element ? node : node.parentElement)?.closest("li");
    return row?.qdEntry ? this.indexOf(row.qdEntry) : -1;
  }

  #patch(start, end) {
    const wanted = new Set();
    for (let at = start; at < end; at += 1) wanted.add(this.rows[at]);
    for (const [entry, node] of this.#nodes) {
      if (wanted.has(entry)) continue;
      node.remove();
      this.#nodes.delete(entry);
    }
    let next = this.#body.firstChild;
    for (const entry of wanted) {
      let node = this.#nodes.get(entry);
      if (node && node === next) {
        next = node.nextSibling;
        continue;
      }
      if (!node) {
        node = this.#make(entry);
        node.qdEntry = entry;
        this.#nodes.set(entry, node);
      }
      this.#body.insertBefore(node, next);
    }
  }

  /** Measure rows whose height may be another; says whether one was. */
  #measure(start, end) {
    let changed = false;
    for (let at = start; at < end; at += 1) {
      const entry = this.rows[at];
      if (entry.width === this.#width && !entry.open) continue;
      const height = this.wrap || entry.open || entry.rule ? this.#nodes.get(entry).offsetHeight : this.#rowHeight;
      if (height !== this.#height(entry)) changed = this.#dirty = true;
      entry.height = height;
      entry.width = this.#width;
    }
    if (changed) this.#layOut();
    return changed;
  }

  #pad(start, end) {
    this.#body.style.paddingTop = `${this.#offsets[start]}px`;
    this.#body.style.paddingBottom = `${this.#offsets[this.rows.length] - this.#offsets[end]}px`;
  }

  #keep() {
    const top = this.#scroller.scrollTop, index = this.#at(top);
    this.#anchor = this.rows[index] ? { entry: this.rows[index], delta: top - this.#offsets[index] } : null;
  }

  #scrolled() {
    const scroller = this.#scroller, top = scroller.scrollTop;
    const end = scroller.scrollHeight - top - scroller.clientHeight <= EDGE;
    if (this.follow && top < this.#lastTop - 2 && !end) this.#follow(false);
    else if (!this.follow && end && top > this.#lastTop + 1 && getSelection()?.isCollapsed !== false) this.#follow(true);
    if (Math.abs(top - this.#lastTop) > 0.5) this.#keep();
    this.#lastTop = top;
    if (this.follow) this.#anchor = null;
    this.#moved(this.follow, true);
  }

  #follow(on) {
    if (this.follow === on) return;
    this.follow = on;
    this.#moved(on, false);
  }
}
