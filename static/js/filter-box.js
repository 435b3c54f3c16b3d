// Suggestions while a condition is typed: arrows move, Enter or Tab takes one, Esc leaves the text as it is.

const WAIT_MS = 120;

export function mount(form) {
  const field = form.querySelector("[data-filter]");
  const list = form.querySelector("[role=listbox]");
  if (!form.dataset.suggest || !field) return;
  let timer;
  let asked = 0;

  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const options = () => [...list.children];
  const chosen = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (!option) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    const rest = field.value.slice(field.selectionStart);
    const begun = field.value.slice(0, Number(option.dataset.start)) + option.dataset.text;
    const gap = begun.endsWith(".") || begun.endsWith("(") || rest.startsWith(" ") ? "" : " ";
    field.value = begun + gap + rest;
    field.setSelectionRange(begun.length + gap.length, begun.length + gap.length);
    ask();
  };
  const show = (found) => {
    list.replaceChildren(
      ...found.map((one, place) => {
        const option = Object.assign(document.createElement("span"), { id: `suggestion-${place}`, textContent: one.text });
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        Object.assign(option.dataset, { start: one.start, text: one.text });
        const kind = Object.assign(document.createElement("small"), { className: "faint", textContent: one.kind });
        option.append(kind);
        return option;
      }),
    );
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(found.length > 0));
  };
  const ask = async () => {
    const number = ++asked;
    const address = new URL(form.dataset.suggest, location.href);
    address.searchParams.set("prefix", field.value.slice(0, field.selectionStart));
    if (form.dataset.experiment) address.searchParams.set("experiment", form.dataset.experiment);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (number !== asked || document.activeElement !== field) return;
    if (answer.ok) show(await answer.json());
    else close();
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  };

  field.addEventListener("input", later);
  field.addEventListener("focus", later);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden) {
      event.preventDefault();
      const all = options();
      const here = all.indexOf(chosen());
      choose(all[(here + step + (here < 0 && step < 0 ? 1 : 0) + all.length) % all.length]);
    } else if (["Enter", "Tab"].includes(event.key) && !list.hidden && chosen()) {
      event.preventDefault();
      take(chosen());
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  return () => clearTimeout(timer);
}
