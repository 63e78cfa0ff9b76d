// The theme button and the density menu are forms that work without script; here they take effect at once.
import { on, post } from "./dom.js";
import { setDensity, setTheme } from "./appearance.js";

const root = document.documentElement;

export function toggleTheme() {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  setTheme(theme);
  const form = document.querySelector("form[data-theme-form]");
  if (form) post(form.action, { theme });
}

on("submit", "form[data-theme-form]", (form, event) => {
  event.preventDefault();
  const wanted = event.submitter?.value;
  if (event.submitter?.name === "density") {
    setDensity(wanted);
    post(form.action, { density: wanted });
  } else if (wanted && wanted !== "toggle") {
    setTheme(wanted);
    post(form.action, { theme: wanted });
  } else toggleTheme();
});
