// Toasts: from the server with the page, from htmx (HX-Trigger: {"toast": {text, tone}}), or from a module.
// What went well leaves after a while, not while it is looked at; errors stay until closed.

const STAY_MS = 6000;
const ICONS = { ok: "ok", bad: "failed", warn: "warn", run: "info" };

function icon(sprite, name, css) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", css);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

function leaveLater(toast) {
  if (toast.classList.contains("is-bad")) return;
  const tick = () => (toast.matches(":hover, :focus-within") ? setTimeout(tick, STAY_MS) : toast.remove());
  setTimeout(tick, STAY_MS);
}

/** A button that takes back what the toast tells: { url, names: [[name, value], …] } is posted as a form. */
function undoButton(box, undo) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small", textContent: box.dataset.undo });
  button.addEventListener("click", () => {
    const values = {};
    for (const [name, value] of undo.names) (values[name] ??= []).push(value);
    button.closest(".toast").remove();
    htmx.ajax("POST", undo.url, { source: document.body, swap: "none", values });
  });
  return button;
}

function show(box, { text, tone = "ok", undo }) {
  const toast = document.createElement("div");
  toast.className = `toast is-${tone}`;
  toast.setAttribute("role", tone === "bad" ? "alert" : "status");
  const words = Object.assign(document.createElement("span"), { textContent: text });
  const close = Object.assign(document.createElement("button"), {
    type: "button",
    className: "btn btn-quiet btn-icon btn-small",
    ariaLabel: box.dataset.close,
  });
  close.dataset.toastClose = "";
  close.append(icon(box.dataset.sprite, "close", "icon-s"));
  toast.append(icon(box.dataset.sprite, ICONS[tone] ?? "info", "icon"), words, ...(undo ? [undoButton(box, undo)] : []), close);
  box.append(toast);
  leaveLater(toast);
}

function refusal(box, xhr) {
  const id = xhr.getResponseHeader("X-Request-ID");
  let said = "";
  try {
    said = JSON.parse(xhr.responseText).message;
  } catch {
    said = `${box.dataset.refused} (${xhr.status})`;
  }
  return id ? `${said} · ${id}` : said;
}

export function mount() {
  const box = document.getElementById("toasts");
  for (const toast of box.children) leaveLater(toast);
  document.addEventListener("toast", (event) => show(box, event.detail));
  document.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast").remove());
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.matches("[hx-trigger*=every]")) return; // what polls says itself when it comes back
    show(box, { text: refusal(box, event.detail.xhr), tone: "bad" });
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.elt.matches("[hx-trigger*=every]")) return;
    show(box, { text: box.dataset.silent, tone: "bad" });
  });
}
