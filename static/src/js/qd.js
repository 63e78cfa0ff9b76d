// On every page: htmx with its socket extension, and the behaviour of the shell.
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-ws.js";
import "./qd/live.js";
import "./qd/theme.js";
import "./qd/foot.js";
import "./qd/fresh.js";
import "./qd/times.js";
import "./qd/selection.js";
import "./qd/filter.js";
import "./qd/menus.js";
import "./qd/clipboard.js";
import "./qd/dialog.js";
import "./qd/palette.js";
import "./qd/toasts.js";
import "./qd/secret.js";
import "./qd/errors.js";
import "./qd/keys.js";
