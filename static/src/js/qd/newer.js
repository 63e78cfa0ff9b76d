// The pill of a list whose newest rows come first: how many wait while somebody reads (qd:hold), and the way to them.
import { $, on } from "./dom.js";
import { letGo } from "./live.js";

const PAGE = 100; // rows: more than a page of new ones are not counted

document.addEventListener("qd:hold", (event) => {
  const pill = $("[data-newer]"), { reason, rows } = event.detail;
  if (!pill) return;
  const text = `▲ ${rows >= PAGE ? `${PAGE} or more` : rows} new`;
  if (pill.textContent !== text) pill.textContent = text;
  pill.hidden = !reason || !rows;
});

on("click", "[data-newer]", (pill) => {
  pill.closest(".main").scrollTo(0, 0);
  letGo();
});
