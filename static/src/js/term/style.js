// xterm.js makes <style> elements; the content security policy of this page lets those in that bear the response's nonce.
const nonce = document.querySelector("meta[name=style-nonce]")?.content ?? "";
const create = document.createElement.bind(document);
document.createElement = (name, options) => {
  const made = create(name, options);
  if (nonce && String(name).toLowerCase() === "style") made.nonce = nonce;
  return made;
};
