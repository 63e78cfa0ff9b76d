// The palette: a combobox over the answers of GET /palette?q=…. Each answer is a link or a button with role=option.
import { $, $$, on } from "./dom.js";
import { copy } from "./clipboard.js";
import { command } from "./foot.js";

const box = () => $("#palette");
const options = () => $$("[role='option']", box());
const chosen = () => $("[role='option'][aria-selected='true']", box());

function choose(option) {
  const before = chosen();
  if (before && before !== option) before.setAttribute("aria-selected", "false");
  const input = $("input", box());
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.id ||= `pal-${options().indexOf(option)}`;
  option.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
  const say = $("#say");
  if (say) say.textContent = option.dataset.cmd ?? say.dataset.default ?? command();
}

/** Open the palette. Says whether there is one on this page. */
export function openPalette() {
  const dialog = box();
  if (!dialog) return false;
  if (!dialog.open) dialog.showModal();
  const input = $("input", dialog);
  input.select();
  input.focus();
  if (!options().length) input.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

on("click", "[data-opens='palette']", (link, event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey || !box()) return;
  event.preventDefault();
  openPalette();
});

on("keydown", "#palette input", async (input, event) => {
  const all = options();
  const at = all.indexOf(chosen());
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (step) {
    event.preventDefault();
    if (all.length) choose(all[Math.abs(step) === 1 ? (at + step + all.length) % all.length : Math.min(all.length - 1, Math.max(0, at + step))]);
  } else if (event.key === "Tab" && !event.shiftKey && all.length) {
    // Tab goes to the next group: from the object to the actions on it.
    event.preventDefault();
    const group = chosen()?.closest("ul");
    const next = all.slice(at + 1).find((option) => option.closest("ul") !== group) ?? all[0];
    choose(next);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const option = chosen() ?? all[0];
    if (!option) return;
    if (event.ctrlKey || event.metaKey) {
      if (option.dataset.cmd && await copy(option.dataset.cmd)) box().close();
    } else {
      option.click();
    }
  }
});

on("click", "#palette [role='option']", () => box().close());
on("mouseover", "#palette [role='option']", (option) => { if (option !== chosen()) choose(option); });
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail.ctx?.target;
  if (target instanceof Element && target.id === "pal") {
    for (const option of options()) option.setAttribute("aria-selected", "false");
    choose(options()[0]);
  }
});
