// After a machine slept or a page was frozen: timers stood still while the clock went on. A line that was open then may be dead
// without a word, as what stood between has forgotten it.
const TICK_MS = 2000;
const SLEPT_MS = 8000; // later than that, a timer was not only late

/** `call()` once the page runs again. */
export function onWake(call) {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now(), slept = now - last > SLEPT_MS;
    last = now;
    if (slept) call();
  }, TICK_MS);
}
