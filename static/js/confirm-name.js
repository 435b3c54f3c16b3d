// The button that deletes for good works only while the typed name is the right one. The server checks again.

export function mount(form) {
  const field = form.querySelector("[name=confirm]");
  const button = form.querySelector("[type=submit]");
  const hint = form.querySelector("[data-match]");
  const check = () => {
    const matches = field.value === form.dataset.name;
    button.disabled = !matches;
    if (matches) hint.textContent = hint.dataset.match;
    else if (field.value) hint.textContent = "";
  };
  field.addEventListener("input", check);
  check();
}
