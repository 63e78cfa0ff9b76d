// Theme: the server writes the reader's choice to <html data-theme="light|dark|system">; "system" is resolved here.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function applyTheme() {
  const choice = root.dataset.themeChoice || root.dataset.theme || "system";
  root.dataset.themeChoice = choice;
  root.dataset.theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
}

export function watchSystem() {
  dark.addEventListener("change", applyTheme);
}

/** Show `theme` at once. */
export function setTheme(theme) {
  root.dataset.themeChoice = theme;
  applyTheme();
}

export function setDensity(density) {
  root.dataset.density = density;
}
