// Ticks of the runs table: how many, all at once, and kept when the table refreshes while a run goes on.

export function mount(form) {
  const chosen = new Set();
  const pane = form.closest(".pane");
  const box = pane.querySelector("[data-selected]");
  const count = pane.querySelector("[data-selected-count]");
  const ticks = () => [...form.querySelectorAll("input[name=run]")];

  const say = () => {
    box.hidden = chosen.size === 0;
    count.textContent = chosen.size;
    for (const button of pane.querySelectorAll("[data-needs]")) button.disabled = chosen.size < Number(button.dataset.needs);
    const all = form.querySelector("[data-tick-all]");
    all.checked = chosen.size > 0 && ticks().every((tick) => tick.checked);
    all.indeterminate = chosen.size > 0 && !all.checked;
  };
  const read = () => {
    chosen.clear();
    for (const tick of ticks()) if (tick.checked) chosen.add(tick.value);
    say();
  };

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const tick of ticks()) tick.checked = event.target.checked;
    read();
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "run-table" && (document.hidden || event.target.matches(":focus-within"))) event.preventDefault();
  });
  form.addEventListener("htmx:load", () => {
    for (const tick of ticks()) tick.checked = chosen.has(tick.value);
    say();
  });
  form.addEventListener("keydown", (event) => move(event, ticks));
  read();
}

/** j and k go through the rows, x ticks, Enter on a name opens it as any link. */
function move(event, ticks) {
  const step = { j: 1, k: -1 }[event.key];
  if (!step || event.target.matches("input[type=text]")) return;
  const all = ticks();
  const here = all.indexOf(event.target.closest("tr")?.querySelector("input[name=run]"));
  all[Math.min(all.length - 1, Math.max(0, here + step))]?.focus();
}
