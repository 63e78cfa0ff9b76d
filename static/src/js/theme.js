// Loaded in <head> without defer, so that the first paint has the right colours.
import { applyTheme, watchSystem } from "./qd/appearance.js";

document.documentElement.dataset.js = "";
applyTheme();
watchSystem();
