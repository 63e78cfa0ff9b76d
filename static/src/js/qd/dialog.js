// Dialogs and the drawer are filled by htmx answers: content in #dialog opens it, an empty answer or dialog-close closes it.
import { $, on } from "./dom.js";

let opener = null;

export function closeDialog() {
  const dialog = $("#dialog");
  if (!dialog?.open) return;
  dialog.replaceChildren(); // at once: the close event comes later, and what is still in it would open it again
  dialog.close();
}

function openDialog(dialog) {
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
  }
  const safe = $("[data-safe], [autofocus]", dialog) ?? $("input:not([type='hidden']), select, textarea", dialog) ?? $("[data-close]", dialog);
  const wrong = $("[aria-invalid='true']", dialog);
  (wrong ?? safe)?.focus();
}

document.addEventListener("htmx:after:swap", () => {
  const dialog = $("#dialog");
  if (!dialog) return;
  if (dialog.firstElementChild) {
    if (!dialog.open || !dialog.contains(document.activeElement)) openDialog(dialog);
  } else closeDialog();
});

document.addEventListener("dialog-close", closeDialog);
on("click", "dialog.modal [data-close]", (button, event) => {
  event.preventDefault();
  button.closest("dialog").close();
});
on("mousedown", "dialog.modal > .scrim", (scrim, event) => {
  // A click beside the box closes it, unless something would be lost that was typed.
  if (event.target === scrim && !$("input:not([type='hidden'], [type='checkbox'], [role='combobox']), textarea", scrim)) scrim.parentElement.close();
});

document.addEventListener("close", (event) => {
  if (event.target.id !== "dialog") return;
  event.target.replaceChildren();
  if (opener?.isConnected) opener.focus();
  opener = null;
}, true);

// A dialog's own accepted form closes it, unless the answer filled it anew.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx?.sourceElement?.closest?.("#dialog form");
  if (form && ctx.request.method === "POST" && (ctx.response?.status === 202 || ctx.response?.status === 204)) closeDialog();
});

// Typing a name to confirm: the button is live only when it is right. The server checks again.
on("input", "input[data-must-equal]", (input) => {
  const button = $(input.dataset.unlocks, input.form ?? document) ?? $(input.dataset.unlocks);
  if (button) button.disabled = input.value !== input.dataset.mustEqual;
});

// ── the operations drawer ────────────────────────────────────

/** Show or hide the drawer. Says whether that changed anything. */
export function drawer(open) {
  const box = $("#ops");
  if (!box || box.hidden === !open) return false;
  box.hidden = !open;
  $("[data-opens='ops']")?.setAttribute("aria-expanded", String(open));
  if (open) $("[data-drawer-close]", box)?.focus();
  else $("[data-opens='ops']")?.focus();
  return true;
}

on("click", "[data-drawer-close]", () => drawer(false));
on("click", "[data-opens='ops']", (link, event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const box = $("#ops");
  if (box && !box.hidden) {
    event.stopImmediatePropagation();
    drawer(false);
  }
}, true);
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.sourceElement?.dataset?.opens === "ops" && $("#ops")?.firstElementChild) drawer(true);
});
