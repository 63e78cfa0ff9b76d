// The filter: chips are hidden inputs q=…, then the free input. Backspace at its start turns the last chip to text again.
import { $, $$, on } from "./dom.js";

function changed(form) {
  const input = $("input[data-filter-text]", form);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

on("keydown", "input[data-filter-text]", (input, event) => {
  if (event.key !== "Backspace" || input.selectionStart || input.selectionEnd) return;
  const chip = $$(".q", input.form).at(-1);
  if (!chip) return;
  event.preventDefault();
  const term = $("input", chip).value;
  chip.remove();
  input.value = `${term}${input.value && ` ${input.value}`}`;
  input.setSelectionRange(term.length, term.length);
  changed(input.form);
});

on("click", ".q button[data-drop]", (button, event) => {
  event.preventDefault();
  const form = button.form;
  button.closest(".q").remove();
  changed(form);
  $("input[data-filter-text]", form).focus();
});

/** One q= with all terms, so that the address of a filter is short and can be sent to somebody. */
function join(body) {
  const terms = body.getAll("q").map((term) => term.trim()).filter(Boolean);
  body.delete("q");
  if (terms.length) body.set("q", terms.join(" "));
}

document.addEventListener("formdata", (event) => {
  if (event.target.matches?.("form.filter")) join(event.formData);
});
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.closest?.("form.filter") && ctx.request.body?.getAll("q").length > 1) join(ctx.request.body);
});

// An answer may say that the filter is wrong (#filter-error in the region) or no longer wrong: the field says so too.
document.addEventListener("htmx:after:swap", () => {
  const input = $(".main form.filter input[data-filter-text]");
  if (!input) return;
  if ($("#filter-error")) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", "filter-error");
  } else {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
});
