// Copy: <button data-copy="text"> or <button data-copy-from="#id">; the icon becomes a tick for a moment.
import { $, on } from "./dom.js";
import { toast } from "./toasts.js";

/** Copy `text`; works on plain http too, where navigator.clipboard does not exist. Resolves to whether it worked. */
export async function copy(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not allowed here: try the old way.
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  ($("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

on("click", "[data-copy], [data-copy-from]", async (button) => {
  const source = button.dataset.copyFrom ? $(button.dataset.copyFrom) : null;
  const text = source ? source.value ?? source.textContent : button.dataset.copy;
  const done = await copy(text);
  const use = $("use", button);
  if (done && use) {
    const before = use.getAttribute("href");
    use.setAttribute("href", before.replace(/#.*/, "#i-check"));
    setTimeout(() => use.setAttribute("href", before), 1500);
  }
  if (!done) toast("failed", "Could not copy", "The browser does not allow it here. Select the text and copy it by hand.");
});
