// A file that is too large for one request goes up in pieces; then the form is sent with its token in place of the file.
import { $, csrfToken, post, ready } from "./qd/dom.js";

const TRIES = 5, PAUSE = 1000; // of one piece; ms, doubled each time

ready(() => {
  const form = $("[data-upload]");
  form?.addEventListener("submit", (event) => {
    const file = $("input[type=file]", form)?.files[0];
    if (!file) return; // none, or it was sent before
    event.preventDefault();
    send(form, file);
  });
});

/** Send the file, telling how far it is, then the form. */
async function send(form, file) {
  const bar = $("[data-upload-bar]", form), words = $("[data-upload-words]", form), go = $("[data-upload-go]", form);
  const wrong = $("[data-upload-wrong]", form);
  const leave = (event) => event.preventDefault();
  addEventListener("beforeunload", leave);
  go.disabled = true;
  wrong.hidden = true;
  bar.hidden = false;
  try {
    const begun = await told(await post(form.dataset.upload, { size: file.size }));
    let at = 0;
    while (at < file.size) {
      at = await piece(`${form.dataset.upload}/${begun.token}`, file, at, begun.piece);
      const percent = Math.floor((at * 100) / file.size);
      $("progress", bar).value = percent;
      words.textContent = `${percent}% of ${(file.size / 1e6).toFixed(1)} MB`;
    }
    $("[name=upload]", form).value = begun.token;
    $("[name=file]", form).value = file.name;
    $("input[type=file]", form).value = "";
    removeEventListener("beforeunload", leave);
    form.submit();
  } catch (error) {
    removeEventListener("beforeunload", leave);
    go.disabled = false;
    bar.hidden = true;
    wrong.lastElementChild.textContent = error.message;
    wrong.hidden = false;
  }
}

/** One piece, again after a pause when the connection fails; where the file ends then. */
async function piece(url, file, at, size) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const body = file.slice(at, at + size);
      const headers = { "X-CSRFToken": csrfToken(), "Content-Type": "application/octet-stream" };
      const answer = await fetch(`${url}?at=${at}`, { method: "POST", headers, body });
      if (answer.status === 409) return (await answer.json()).at; // the answer to the last one was lost
      if (answer.status < 500) return (await told(answer)).at;
    } catch (error) {
      if (attempt >= TRIES || error instanceof Refused) throw error;
    }
    if (attempt >= TRIES) throw new Error("The console does not answer.");
    await new Promise((resolve) => { setTimeout(resolve, PAUSE * 2 ** attempt); });
  }
}

class Refused extends Error {}

async function told(answer) {
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(said.error ?? `It was refused (${answer.status}).`);
  return said;
}
