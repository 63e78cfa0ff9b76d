// The form for a new container: what htmx says is wrong stands at its field; rows come and go without a request.
import { $, $$, on, ready } from "./qd/dom.js";

ready(() => {
  const form = $("#create");
  if (form) watch(form);
});

function watch(form) {
  let open = false; // the Compose service

  /** Put each thing to mend at its field. */
  function mark() {
    for (const line of $$("[data-err]", form)) line.hidden = true;
    for (const field of $$("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
    for (const link of $$("#issues [data-field]")) {
      const field = document.getElementById(`f-${link.dataset.field}`);
      const row = field?.matches("[data-rows]") ? $$("[data-row]", field)[Number(link.dataset.rowNumber)] : field;
      const line = row && $("[data-err]", row);
      if (!line || !line.hidden) continue;
      line.lastElementChild.textContent = link.dataset.text;
      line.hidden = false;
      $("input, textarea, select", row)?.setAttribute("aria-invalid", "true");
    }
  }

  document.addEventListener("htmx:before:swap", () => { open = Boolean($("#equiv details")?.open); });
  document.addEventListener("htmx:after:swap", () => {
    if (open && $("#equiv details")) $("#equiv details").open = true;
    mark();
  });
  on("click", "#create [data-add]", (button, event) => {
    const last = $$("[data-row]", button.closest("[data-rows]")).at(-1);
    if (!last) return;
    event.preventDefault();
    const row = last.cloneNode(true);
    empty(row);
    last.after(row);
    $("input, textarea, select", row)?.focus();
  });
  on("click", "#create [data-drop-row]", (button, event) => {
    event.preventDefault();
    const row = button.closest("[data-row]"), rows = row.closest("[data-rows]");
    if ($$("[data-row]", rows).length > 1) row.remove();
    else empty(row);
    form.dispatchEvent(new Event("input", { bubbles: true }));
  });
  on("click", "#issues a", (link) => {
    const field = document.getElementById(`f-${link.dataset.field}`);
    const folded = field?.closest("details");
    if (folded) folded.open = true;
    $("[aria-invalid]", field ?? form)?.focus();
  });
}

function empty(row) {
  for (const input of $$("input, textarea", row)) input.value = "";
  for (const select of $$("select", row)) select.selectedIndex = 0;
  for (const line of $$("[data-err]", row)) line.hidden = true;
  for (const field of $$("[aria-invalid]", row)) field.removeAttribute("aria-invalid");
}
