// Toasts: put into #toasts by an answer or the socket. A success leaves after 5 s, a failure stays until it is closed.
import { $, $$, on, ready } from "./dom.js";

const LIFE_MS = 5000;

function arm(toast) {
  if (toast.dataset.armed !== undefined) return;
  toast.dataset.armed = "";
  if (toast.dataset.toast === "done") {
    let timer = setTimeout(() => toast.remove(), LIFE_MS);
    toast.addEventListener("mouseenter", () => clearTimeout(timer));
    toast.addEventListener("mouseleave", () => { timer = setTimeout(() => toast.remove(), LIFE_MS); });
  }
}

/** Show a toast that no server answer carries. `state` is "done" or "failed". */
export function toast(state, title, text = "") {
  const template = $("#toast-template"), box = $("#toasts");
  if (!template || !box) return;
  const made = template.content.firstElementChild.cloneNode(true);
  made.dataset.toast = state;
  $("use", made).setAttribute("href", $("use", made).getAttribute("href").replace(/#.*/, `#l-${state}`));
  $(".st", made).setAttribute("class", `st st-${state}`);
  $("b", made).textContent = title;
  $("p", made).textContent = text;
  $("p", made).hidden = !text;
  box.prepend(made);
}

on("click", "[data-toast-close]", (button) => button.closest("[data-toast]")?.remove());

ready(() => {
  const box = $("#toasts");
  if (!box) return;
  $$("[data-toast]", box).forEach(arm);
  new MutationObserver(() => $$("[data-toast]", box).forEach(arm)).observe(box, { childList: true, subtree: true });
});
