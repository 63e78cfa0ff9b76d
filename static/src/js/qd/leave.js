// The login, the right to see this page or its object ended: the server shows what is left.
const PAUSE_MS = 30_000;

/**
 * Load the page again, never twice in half a minute. Says whether it does. When only the object is `gone`, a page with something
 * that nobody could show again (data-stays: a log that was read) stays.
 */
export function leave(gone = false) {
  if (gone && document.querySelector("[data-stays]")) return false;
  const last = Number(sessionStorage.getItem("qd-left") ?? 0);
  if (Date.now() - last < PAUSE_MS) return false;
  sessionStorage.setItem("qd-left", String(Date.now()));
  location.reload();
  return true;
}
