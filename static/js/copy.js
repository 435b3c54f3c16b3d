// Copies a value (data-copy), or the code block around the button (data-copy-code). Plain http has no clipboard API
// except on loopback: there, a hidden text field does it.

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  field.style.cssText = "position:fixed;opacity:0";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

function valueOf(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const lines = button.closest("[data-copy-root]").querySelectorAll("code .l");
  return Array.from(lines, (line) => line.textContent).join("\n").trimEnd();
}

export function mount() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-code]");
    if (!button) return;
    await write(valueOf(button));
    const text = document.getElementById("toasts").dataset.copied;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone: "ok" } }));
  });
}
