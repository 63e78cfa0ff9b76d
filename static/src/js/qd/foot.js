// The command line in the foot bar: the control under the pointer or in focus says the docker command it stands for.
import { $ } from "./dom.js";

let current = null;

/** The command shown now, or "". */
export const command = () => $("#say")?.textContent.trim() ?? "";

function speak(event) {
  const say = $("#say");
  if (!say || !(event.target instanceof Element)) return;
  const control = event.target.closest("[data-cmd]");
  if (control === current && control) return;
  current = control;
  const text = control ? control.dataset.cmd : say.dataset.default ?? "";
  if (say.textContent !== text) say.textContent = text;
}

document.addEventListener("mouseover", speak);
document.addEventListener("focusin", speak);
