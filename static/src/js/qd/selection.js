// Ticked rows: <input type="checkbox" class="check pick" name="id" form="bulk-form">. The bulk bar takes the toolbar's place.
import { $, $$, on } from "./dom.js";

let last = null; // the row that was ticked last, for ranges

const boxes = () => $$(".pick:not(:disabled)").filter((box) => box.closest("tr")?.offsetParent !== null);

/** Rows that are ticked. */
export const ticked = () => $$(".pick:checked").map((box) => box.closest("tr"));

/** Write the bulk bar: the count, what each action fits ("Stop 2 of 3"), and its command. */
export function refresh() {
  const rows = ticked(), bulk = $("#bulk"), bar = $("#bar");
  for (const box of $$(".pick")) box.closest("tr")?.setAttribute("aria-selected", String(box.checked));
  const all = $("[data-pick-all]"), total = boxes().length;
  if (all) {
    all.checked = rows.length > 0 && rows.length === total;
    all.indeterminate = rows.length > 0 && rows.length < total;
  }
  if (!bulk) return;
  bulk.hidden = rows.length === 0;
  if (bar) bar.hidden = rows.length > 0;
  const count = $("[data-bulk-count]", bulk);
  if (count) count.textContent = String(rows.length);
  for (const link of $$("[data-bulk-link]", bulk)) link.href = `${link.dataset.bulkLink}?${new URLSearchParams(rows.map((row) => ["c", $(".pick", row).value]))}`;
  for (const button of $$("[data-verb]", bulk)) {
    const fits = rows.filter((row) => (row.dataset.can ?? "").split(" ").includes(button.dataset.verb));
    const word = $("[data-label]", button);
    if (word) word.textContent = word.dataset.label + (fits.length && fits.length < rows.length ? ` ${fits.length} of ${rows.length}` : "");
    button.disabled = fits.length === 0;
    if (button.dataset.cmdBase) button.dataset.cmd = [button.dataset.cmdBase, ...fits.map((row) => row.dataset.name)].join(" ");
  }
}

export function clearSelection() {
  const some = $$(".pick:checked");
  for (const table of $$(".tbl.picking")) table.classList.remove("picking");
  for (const box of some) box.checked = false;
  if (some.length) refresh();
  return some.length > 0;
}

/** Tick or untick the row; with `range`, everything between the last one and this. */
export function toggle(row, range = false) {
  const box = $(".pick", row);
  if (!box || box.disabled) return;
  const value = !box.checked;
  box.checked = value;
  spread(row, value, range);
  refresh();
}

function spread(row, value, range) {
  if (range && last?.isConnected) {
    const all = boxes(), from = all.indexOf($(".pick", last)), to = all.indexOf($(".pick", row));
    if (from >= 0 && to >= 0) for (const box of all.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = value;
  }
  last = row;
}

on("click", ".pick", (box, event) => { spread(box.closest("tr"), box.checked, event.shiftKey); refresh(); });
on("change", ".pick", refresh);
on("change", "[data-pick-all]", (all) => {
  for (const box of boxes()) box.checked = all.checked;
  refresh();
});
on("click", "[data-clear-selection]", (button, event) => { event.preventDefault(); clearSelection(); });
document.addEventListener("qd:rows", refresh);
document.addEventListener("htmx:after:swap", refresh);

// On a phone cards have no boxes: a long press on one turns them on, and then a tap ticks.
const LONG_MS = 500;
let press = 0;
const stop = () => clearTimeout(press);

on("touchstart", ".tbl.cards tbody tr[id]", (row) => {
  stop();
  press = setTimeout(() => {
    row.closest(".tbl").classList.add("picking");
    if (!$(".pick", row)?.checked) toggle(row);
    navigator.vibrate?.(20);
  }, LONG_MS);
}, { passive: true });
for (const type of ["touchend", "touchmove", "touchcancel"]) document.addEventListener(type, stop, { passive: true });
on("contextmenu", ".tbl.cards.picking tr[id]", (row, event) => event.preventDefault());
on("click", ".tbl.cards.picking tbody tr[id]", (row, event) => {
  if (event.target.matches(".pick") || !matchMedia("(max-width: 900px)").matches) return;
  event.preventDefault();
  event.stopPropagation();
  toggle(row);
}, { capture: true });

// An action on the ticked rows was accepted: they are no longer the reader's business.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail, from = ctx?.sourceElement;
  if (ctx?.request?.method === "POST" && ctx.response?.status < 400 && from?.closest?.("#bulk, #dialog")) clearSelection();
});
document.addEventListener("selection-clear", clearSelection);
