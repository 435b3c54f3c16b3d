// Search or go: Ctrl-K (or a button with data-palette) opens it, arrows move, Enter follows, Esc closes.

export function mount(dialog) {
  const field = dialog.querySelector("input");
  const found = dialog.querySelector(".palette-found");
  const options = () => [...found.querySelectorAll("[role=option]")];
  let wantsFirst = false;

  const open = () => {
    if (dialog.open) return;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    dialog.showModal();
    field.select();
    field.dispatchEvent(new CustomEvent("palette:open"));
  };
  const choose = (option) => {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    field.setAttribute("aria-expanded", String(options().length > 0));
    if (!option) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const chosen = () => found.querySelector("[aria-selected=true]");
  const move = (step) => {
    const all = options();
    if (all.length) choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
  };

  found.addEventListener("htmx:afterSwap", () => {
    if ((found.firstElementChild?.dataset.asked ?? field.value) !== field.value) return; // an answer that came too late
    options().forEach((option, place) => (option.id = `found-option-${place}`));
    choose(options()[0]);
    if (wantsFirst) chosen()?.click();
    wantsFirst = false;
  });
  field.addEventListener("input", () => choose(null));
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move(step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen()) chosen().click();
      else wantsFirst = true; // typed faster than answered
    }
  });
  const shortcut = (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  };
  const press = (event) => event.target.closest("[data-palette]") && open();
  document.addEventListener("keydown", shortcut);
  document.addEventListener("click", press);
  return () => {
    document.removeEventListener("keydown", shortcut);
    document.removeEventListener("click", press);
  };
}
