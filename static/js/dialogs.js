// Buttons with `commandfor` and `command="show-modal|close"` work without script in new browsers; this serves the others.
// A form marked data-closes closes its dialog once it went through. A click beside a dialog closes it, and a dialog marked data-open (a refused form in it) opens with the page, or with the fragment that brings it.

export function mount() {
  const native = "command" in HTMLButtonElement.prototype;
  document.addEventListener("click", (event) => {
    if (event.target.matches("dialog[open]")) event.target.close();
    const button = event.target.closest("button[commandfor]");
    if (!button || native) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    if (button.getAttribute("command") === "close") dialog.close();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.target.matches?.("dialog form[data-closes]")) event.target.closest("dialog").close();
  });
  const openAll = (root) => root.querySelectorAll("dialog[data-open]:not([open])").forEach((dialog) => dialog.showModal());
  openAll(document);
  document.addEventListener("htmx:load", (event) => openAll(event.target.parentElement ?? document)); // one that was asked for
}
