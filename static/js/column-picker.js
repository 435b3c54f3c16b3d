// Which columns a table shows, in which order: the form's hidden fields are the list. Opening the dialog asks what else
// there is; groups are chosen of the same list.

export function mount(form) {
  const dialog = form.closest("dialog");
  const shown = form.querySelector("[data-shown]");
  const offered = form.querySelector("[data-offered]");
  const pattern = form.querySelector("template");
  const find = form.querySelector("#find-column");
  const group = form.querySelector("[data-group]");

  const add = (name, label) => {
    if ([...shown.querySelectorAll("[name=column]")].some((field) => field.value === name)) return;
    const row = pattern.content.firstElementChild.cloneNode(true);
    row.querySelector("[name=column]").value = name;
    row.querySelector("[name=pin]").value = name;
    row.querySelector("[data-width-of]").dataset.widthOf = name;
    for (const place of row.querySelectorAll("[data-label]")) place.textContent = ` ${label}`;
    shown.append(row);
    row.scrollIntoView({ block: "nearest" });
  };
  const move = (button) => {
    const row = button.closest("li");
    const other = button.dataset.move === "1" ? row.nextElementSibling : row.previousElementSibling;
    if (!other) return;
    if (button.dataset.move === "1") other.after(row);
    else other.before(row);
    button.focus();
  };
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.add) add(button.dataset.add, button.dataset.label);
    else if (button?.dataset.move) move(button);
    else if (button?.matches("[data-remove]")) {
      const next = button.closest("li").nextElementSibling ?? button.closest("li").previousElementSibling;
      button.closest("li").remove();
      next?.querySelector("[data-remove]").focus();
    }
  });
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase();
    for (const row of offered.children) row.hidden = !row.dataset.hint.toLowerCase().includes(words);
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    [...offered.children].find((row) => !row.hidden)?.querySelector("[data-add]").click();
  });
  offered.addEventListener("htmx:afterSwap", () => {
    for (const row of offered.querySelectorAll("[data-groups]")) {
      if (![...group.options].some((one) => one.value === row.dataset.name)) group.add(new Option(row.dataset.hint, row.dataset.name));
    }
  });
  const widths = () => new Map(new URLSearchParams(location.search).getAll("width").map((one) => [one.slice(0, one.lastIndexOf(":")), one.slice(one.lastIndexOf(":") + 1)]));
  form.addEventListener("submit", () => {
    if (!group.value) group.disabled = true; // an empty choice does not belong in the address
    const given = [...form.querySelectorAll("[data-width-of]")].filter((field) => field.value);
    const values = [...(widths().has("name") ? [`name:${widths().get("name")}`] : []), ...given.map((field) => `${field.dataset.widthOf}:${field.value}`)];
    document.dispatchEvent(new CustomEvent("address:keep", { detail: { name: "width", values } }));
  });
  const opened = () => {
    const known = widths();
    for (const field of form.querySelectorAll("[data-width-of]")) field.value = known.get(field.dataset.widthOf) ?? "";
    dialog.dispatchEvent(new CustomEvent("picker:open"));
  };
  new MutationObserver(() => dialog.open && opened()).observe(dialog, { attributeFilter: ["open"] });
}
