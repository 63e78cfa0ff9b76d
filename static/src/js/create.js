// The form for a new container: what htmx says is wrong stands at its field; rows come and go without a request.
import { $, $$, on, ready } from "./qd/dom.js";

const PHONE = matchMedia("(max-width: 900px)");
const MOST = 3; // rows that a folded section tells
const ROWS = { publish: port, mount }; // rows of several columns

ready(() => {
  const form = $("#create");
  if (!form) return;
  fold(form);
  watch(form);
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
      ($("[data-blamed]", row) ?? $("input, textarea, select", row))?.setAttribute("aria-invalid", "true");
    }
    for (const section of $$("[data-fold]", form)) tell(section);
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
  on("click", "#issues a", (link, event) => {
    const field = document.getElementById(`f-${link.dataset.field}`);
    const folded = field?.closest("details"), section = field?.closest("[data-fold]");
    if (folded) folded.open = true;
    if (section) unfold(section, true);
    const wrong = $("[aria-invalid]", field ?? form);
    if (!wrong) return;
    event.preventDefault(); // going to the field by its address would take the focus away again
    wrong.focus();
  });
}

function empty(row) {
  for (const input of $$("input, textarea", row)) input.value = "";
  for (const select of $$("select", row)) select.selectedIndex = 0;
  for (const line of $$("[data-err]", row)) line.hidden = true;
  for (const field of $$("[aria-invalid]", row)) field.removeAttribute("aria-invalid");
}

// ── sections fold to their value on a phone ──────────────────

/** What a row says, in a few words. */
function said(row) {
  const fields = $$("input:not([type=checkbox]), textarea, select", row);
  const parts = fields.map((field) => (field.matches("select") ? (field.value || fields.length === 1) && field.selectedOptions[0].textContent : field.value.trim()));
  const ticked = $$("input:checked", row).map((box) => box.parentElement.textContent.trim());
  return [...parts, ...ticked].filter(Boolean).join(", ");
}

/** The ports of a row as docker says them. */
function port(row) {
  const [ip, host, inside] = $$("input", row).map((field) => field.value.trim());
  return inside && `${[ip, host].filter(Boolean).join(":") || "any"} → ${inside}/${$("select", row).value}`;
}

/** A mount in a row: its source and its target. */
function mount(row) {
  const [source, target] = $$("input", row).map((field) => field.value.trim());
  return target && [source, target].filter(Boolean).join(" → ");
}

/** Write the value of a section, or what is wrong in it, beside its name. */
function tell(section) {
  const place = $(".said", section);
  if (!place) return;
  const wrong = $("[data-err]:not([hidden])", section);
  const rows = $$("[data-row]", section).map((row) => (ROWS[row.parentElement.dataset.rows] ?? said)(row)).filter(Boolean);
  const issue = wrong && $$("#issues [data-field]").find((link) => section.contains(document.getElementById(`f-${link.dataset.field}`)));
  place.textContent = wrong ? issue?.textContent ?? "to be mended" : rows.slice(0, MOST).join(", ") + (rows.length > MOST ? ` and ${rows.length - MOST} more` : "");
  place.className = wrong ? "said trunc bad" : "said trunc sub";
  if (wrong) unfold(section, true);
}

function unfold(section, open) {
  section.classList.toggle("shut", !open);
  $("h2 > button", section)?.setAttribute("aria-expanded", String(open));
}

/** On a phone the name of each section is a button; on a wide screen it is only a name. */
function fold(form) {
  function arrange() {
    for (const section of $$("[data-fold]", form)) {
      const head = $("h2", section), name = $("h2 > button > .b", section)?.textContent ?? head.textContent;
      if (!PHONE.matches) {
        head.textContent = name;
        section.classList.remove("shut");
        continue;
      }
      const button = document.createElement("button"), word = document.createElement("span"), value = document.createElement("span");
      button.type = "button";
      word.className = "b";
      word.textContent = name;
      button.append(word, value);
      value.className = "said";
      head.replaceChildren(button);
      unfold(section, section.dataset.fold === "open");
      tell(section);
    }
  }
  on("click", "#create [data-fold] > h2 > button", (button) => unfold(button.closest("[data-fold]"), button.getAttribute("aria-expanded") === "false"));
  form.addEventListener("change", (event) => {
    const section = event.target.closest("[data-fold]");
    if (section) tell(section);
  });
  PHONE.addEventListener("change", arrange);
  arrange();
}
