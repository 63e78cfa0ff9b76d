// Menus are <details class="pick-menu">: one open at a time, closed by Escape, by a click elsewhere and by leaving it.
import { $, $$, on } from "./dom.js";

const open = () => $$("details.pick-menu[open]");

/** Close all menus but `except`. Says whether one was open. */
export function closeMenus(except = null) {
  const closing = open().filter((menu) => menu !== except && !menu.contains(except));
  for (const menu of closing) menu.open = false;
  return closing.length > 0;
}

/** Row menus float above the scrolling table: place the list by the button, inside the window. */
function place(menu) {
  if (!menu.closest(".acts")) return;
  const list = $(".menu", menu), button = $("summary", menu).getBoundingClientRect(), size = list.getBoundingClientRect();
  const below = button.bottom + 4 + size.height < innerHeight - 8;
  list.style.left = `${Math.max(8, button.right - size.width)}px`;
  list.style.top = `${below ? button.bottom + 4 : Math.max(8, button.top - 4 - size.height)}px`;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLDetailsElement) || !menu.matches(".pick-menu")) return;
  if (menu.open) {
    closeMenus(menu);
    place(menu);
  }
}, true);

document.addEventListener("click", (event) => {
  const menu = event.target instanceof Element ? event.target.closest("details.pick-menu") : null;
  closeMenus(menu);
  if (menu && event.target.closest(".menu :is(a, button)")) menu.open = false;
});
document.addEventListener("scroll", (event) => {
  if (event.target instanceof Element) for (const menu of open()) if (menu.closest(".acts") && !menu.contains(event.target)) menu.open = false;
}, true);

// Arrow keys move inside an open menu.
on("keydown", "details.pick-menu[open]", (menu, event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const items = $$(".menu a, .menu button:not([disabled])", menu);
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement), step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length]?.focus();
});
