// The tick in a table's head ticks all rows that are shown. Without scripts it does not show.

export function mount(form) {
  const all = form.querySelector("[data-tick-all]");
  if (!all) return;
  const ticks = () => [...form.querySelectorAll("tbody .tick")];
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const tick of ticks()) tick.checked = all.checked;
  });
  form.addEventListener("change", () => {
    const ticked = ticks().filter((tick) => tick.checked).length;
    all.checked = ticked > 0 && ticked === ticks().length;
    all.indeterminate = ticked > 0 && !all.checked;
  });
}
