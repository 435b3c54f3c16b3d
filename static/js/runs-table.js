// The runs table: ticks, kept when the table refreshes; keys j k x c; where pinned columns begin.

const MOST_REFRESHED = 300;

export function mount(form) {
  const chosen = new Set();
  const pane = form.closest(".pane");
  const box = pane.querySelector("[data-selected]");
  const ticks = () => [...form.querySelectorAll("input[name=run]")];

  const say = () => {
    box.hidden = chosen.size === 0;
    pane.querySelector("[data-selected-count]").textContent = chosen.size;
    pane.querySelector("[data-loaded]").textContent = ticks().length.toLocaleString("en");
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
  const pin = () => {
    const heads = [...form.querySelectorAll("thead th")];
    let at = heads.find((head) => head.matches(".c-name"))?.offsetWidth ?? 0;
    heads.forEach((head, place) => {
      if (!head.matches(".is-pinned")) return;
      for (const row of form.querySelectorAll("tr")) row.children[place]?.style.setProperty("--pin", `${at}px`);
      at += head.offsetWidth;
    });
  };
  const changed = () => {
    const table = form.querySelector("#run-table");
    if (!ticks().length) return location.reload();
    const total = pane.querySelector("[data-total]");
    if (table.dataset.matches && total) total.textContent = Number(table.dataset.matches).toLocaleString("en");
    const there = new Set(ticks().map((tick) => tick.value));
    for (const run of chosen) if (!there.has(run)) chosen.delete(run);
    for (const tick of ticks()) tick.checked = chosen.has(tick.value);
    say();
    pin();
  };

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const tick of ticks()) tick.checked = event.target.checked;
    read();
  });
  form.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "run-table") event.detail.parameters.set("rows", ticks().length);
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "run-table" || event.detail.requestConfig.triggeringEvent?.type === "runs:changed") return;
    const busy = event.target.matches(":focus-within") || ticks().length > MOST_REFRESHED;
    if (document.hidden || busy) event.preventDefault();
  });
  form.addEventListener("htmx:load", changed);
  pane.addEventListener("click", (event) => {
    if (!event.target.closest("[data-csv]")) return;
    const address = new URL(document.querySelector("a[download][href*='/runs/csv/']").href);
    for (const run of chosen) address.searchParams.append("run", run);
    location.assign(address);
  });
  const keys = (event) => key(event, form, pane);
  document.addEventListener("keydown", keys);
  read();
  pin();
  return () => document.removeEventListener("keydown", keys);
}

/** j and k go through the rows, x ticks, c compares; Enter on a name opens it as any link. */
function key(event, form, pane) {
  const off = document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]");
  if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not(.tick), textarea, select")) return;
  const rows = [...form.querySelectorAll("tbody tr:has(input[name=run])")];
  const here = rows.indexOf(event.target.closest("tr"));
  if (event.key === "x" && here >= 0) rows[here].querySelector("input[name=run]").click();
  if (event.key === "c") pane.querySelector("[data-compare]:enabled")?.click();
  const step = { j: 1, k: -1 }[event.key];
  if (!step || !rows.length) return;
  const row = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  for (const one of rows) one.classList.toggle("is-current", one === row);
  row.querySelector("th a").focus();
}
