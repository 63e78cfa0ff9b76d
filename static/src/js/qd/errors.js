// Requests that failed. A 4xx answer is a fragment for its place; a 5xx answer is never swapped in, so it is said here.
import { toast } from "./toasts.js";

document.addEventListener("htmx:response:error", (event) => {
  const { status, headers } = event.detail.ctx.response;
  if (status < 500) return;
  const away = headers.get("X-Away"); // what the console needs, in its words (views/errors.py)
  if (away) {
    toast("failed", away, "As soon as it does, the console goes on by itself. Look again before you ask for a thing twice.");
    return;
  }
  const request = headers.get("X-Request-ID");
  toast("failed", "The console failed on this request", `What you asked for was not done.${request ? ` Request ${request}.` : ""}`);
});

document.addEventListener("htmx:error", (event) => {
  const { error, ctx } = event.detail;
  if (error?.name === "AbortError" && ctx?.request?.signal?.reason !== "timeout") return;
  if (!ctx?.request) return;
  toast("failed", "No answer from the console", "It may be restarting, or the network is down. Nothing on this page was changed; try again.");
});
