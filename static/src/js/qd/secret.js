// Masked values. A revealed one ([data-secret-shown]) is masked again after 30 s, also when the page is left in the background.
import { $, $$ } from "./dom.js";

const SHOWN_MS = 30_000;

setInterval(() => {
  for (const secret of $$("[data-secret-shown]")) {
    secret.dataset.until ??= String(Date.now() + SHOWN_MS);
    const left = Math.ceil((Number(secret.dataset.until) - Date.now()) / 1000);
    const note = $("[data-secret-left]", secret);
    if (left > 0) {
      if (note) note.textContent = `hides in ${left} s`;
      continue;
    }
    const value = $(".shown", secret);
    if (value) {
      value.textContent = "••••";
      value.classList.remove("shown");
    }
    if (note) note.textContent = "";
    secret.removeAttribute("data-secret-shown");
    delete secret.dataset.until;
  }
}, 500);
