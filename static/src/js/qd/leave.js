// The login, the right to see this page or its object ended: the server shows what is left.
const PAUSE_MS = 30_000;

/** Load the page again, never twice in half a minute. Says whether it does. */
export function leave() {
  const last = Number(sessionStorage.getItem("qd-left") ?? 0);
  if (Date.now() - last < PAUSE_MS) return false;
  sessionStorage.setItem("qd-left", String(Date.now()));
  location.reload();
  return true;
}
