// Single keys: `?` lists them, `[` folds the navigation, `/` goes to the page's filter, `g` then a letter goes to a place.
// Off while typing, and when the reader has turned them off (data-keys="off").

const GO = { h: "home", e: "endpoints", r: "runs", m: "models", j: "jobs", x: "experiments" };

function typing(target) {
  return target.matches?.("input, textarea, select, [contenteditable]");
}

export function mount() {
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
    if (going && GO[event.key]) document.querySelector(`.nav a[href$="/${GO[event.key] === "home" ? "" : `${GO[event.key]}/`}"]`)?.click();
    going = event.key === "g";
    if (event.key === "?") document.getElementById("keys")?.showModal();
    if (event.key === "[") document.querySelector("[data-nav-fold]")?.click();
    if (event.key !== "/") return;
    const field = document.querySelector("[data-filter], main input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}
