// The pill of a list whose newest rows come first: how many wait while somebody reads (qd:hold), and the way to them.
import { $, on } from "./dom.js";
import { letGo } from "./live.js";

const PAGE = 100; // rows: more than a page of new ones are not counted

document.addEventListener("qd:hold", (event) => {
  const pill = $("[data-newer]"), { reason, count } = event.detail;
  if (!pill) return;
  const text = `▲ ${count >= PAGE ? `${PAGE} or more` : count} new`;
  if (pill.textContent !== text) pill.textContent = text;
  pill.hidden = !reason || !count;
});

on("click", "[data-newer]", (pill) => {
  pill.closest(".main").scrollTo(0, 0);
  letGo();
});
