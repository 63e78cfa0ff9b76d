// Small helpers shared by the modules.
export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

/** Run once the document is parsed. */
export function ready(run) {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", run, { once: true });
  else run();
}

/** Call `handle(element, event)` for events of `type` whose target is inside an element that matches `selector`. */
export function on(type, selector, handle, options) {
  document.addEventListener(type, (event) => {
    const found = event.target instanceof Element ? event.target.closest(selector) : null;
    if (found) handle(found, event);
  }, options);
}

export const typing = (element) => element instanceof Element
  && element.matches('input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select, [contenteditable], .xterm *');

/** The CSRF token that the server put on <body> for htmx. */
export function csrfToken() {
  const headers = document.body.getAttribute("hx-headers:inherited");
  return headers ? JSON.parse(headers)["X-CSRFToken"] ?? "" : "";
}

/** POST a form in the background; resolves to the Response. */
export function post(url, values) {
  return fetch(url, { method: "POST", headers: { "X-CSRFToken": csrfToken(), "HX-Request": "true" }, body: new URLSearchParams(values) });
}
