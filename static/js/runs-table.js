// The runs table: ticks, kept when the table refreshes and in the address; all that match; keys j k x h c; where pinned
// columns begin.

const MOST_REFRESHED = 300;
const MOST_COMPARED = 100;
const MOST_KEPT = 50;

const count = (number) => Number(number).toLocaleString("en");

export function mount(form) {
  const chosen = new Set();
  const pane = form.closest(".pane");
  const box = pane.querySelector("[data-selected]");
  const whole = pane.querySelector("[data-select-all]");
  const all = pane.querySelector("[name=all]");
  const ticks = () => [...form.querySelectorAll("input[name=run]")];
  const table = () => form.querySelector("#run-table");

  const enable = () => {
    const size = all.disabled ? chosen.size : Number(table().dataset.matchesNow);
    for (const button of pane.querySelectorAll("[data-needs]")) button.disabled = size < Number(button.dataset.needs);
    const compare = pane.querySelector("[data-compare]");
    compare.disabled ||= !all.disabled || size > MOST_COMPARED;
    box.hidden = size === 0;
    pane.querySelector("[data-selected-count]").textContent = count(size);
  };
  const say = () => {
    const shown = ticks();
    const every = shown.length > 0 && shown.every((tick) => tick.checked);
    pane.querySelector("[data-loaded]").textContent = count(shown.filter((tick) => !tick.closest("[data-depth]")).length);
    const head = form.querySelector("[data-tick-all]");
    head.checked = every;
    head.indeterminate = chosen.size > 0 && !every;
    whole.hidden = !every || Number(table().dataset.matchesNow) <= chosen.size;
    if (whole.hidden) all.disabled = true;
    whole.setAttribute("aria-pressed", String(!all.disabled));
    enable();
  };
  const read = () => {
    chosen.clear();
    for (const tick of ticks()) if (tick.checked) chosen.add(tick.value);
    say();
  };
  const keep = () => {
    const values = chosen.size > MOST_KEPT ? [] : [...chosen];
    document.dispatchEvent(new CustomEvent("address:keep", { detail: { name: "tick", values } }));
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
  const totals = () => {
    const { totalNow: total, matchesNow: matches } = table().dataset;
    for (const place of pane.querySelectorAll("[data-total]")) place.textContent = count(total);
    for (const place of pane.querySelectorAll("[data-matches]")) place.textContent = count(matches);
    pane.querySelector("[data-nested]").hidden = total === matches;
  };
  const changed = () => {
    totals();
    const there = new Set(ticks().map((tick) => tick.value));
    for (const run of chosen) if (!there.has(run)) chosen.delete(run);
    for (const tick of ticks()) tick.checked = chosen.has(tick.value);
    say();
    pin();
  };

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const tick of ticks()) tick.checked = event.target.checked;
    read();
    keep();
  });
  whole.addEventListener("click", () => {
    all.disabled = !all.disabled;
    all.value = location.search.slice(1);
    whole.setAttribute("aria-pressed", String(!all.disabled));
    enable();
  });
  form.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id !== "run-table") return;
    event.detail.path = location.pathname + location.search;
    event.detail.parameters.set("rows", form.querySelectorAll("tr:not([data-depth]) [name=run]").length);
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "run-table" || event.detail.requestConfig.triggeringEvent?.type === "runs:changed") return;
    const busy = event.target.matches(":focus-within") || ticks().length > MOST_REFRESHED;
    if (document.hidden || busy) event.preventDefault();
  });
  form.addEventListener("htmx:load", changed);
  form.addEventListener("columns:resized", pin);
  pane.addEventListener("click", (event) => {
    if (!event.target.closest("[data-csv]")) return;
    const address = new URL(document.querySelector("a[download][href*='/runs/csv/']").href);
    if (all.disabled) for (const run of chosen) address.searchParams.append("run", run);
    location.assign(address);
  });
  form.addEventListener("click", (event) => {
    if (!event.target.closest("[data-run]")) return;
    const came = { url: location.pathname + location.search, runs: ticks().map((tick) => tick.value) };
    sessionStorage.setItem("runs:came-from", JSON.stringify(came));
  });
  const keys = (event) => key(event, form, pane);
  document.addEventListener("keydown", keys);
  read();
  pin();
  return () => document.removeEventListener("keydown", keys);
}

/** j and k go through the rows, x ticks, h hides or draws the line, c compares; Enter on a name opens it as any link. */
function key(event, form, pane) {
  const off = document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]");
  if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not(.tick), textarea, select")) return;
  const rows = [...form.querySelectorAll("tbody tr:has(input[name=run])")];
  const here = rows.indexOf(event.target.closest("tr"));
  if (event.key === "x" && here >= 0) rows[here].querySelector("input[name=run]").click();
  if (event.key === "h" && here >= 0) rows[here].querySelector("[data-eye]").click();
  if (event.key === "c") pane.querySelector("[data-compare]:enabled")?.click();
  const step = { j: 1, k: -1 }[event.key];
  if (!step || !rows.length) return;
  const row = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  for (const one of rows) one.classList.toggle("is-current", one === row);
  row.querySelector("[data-run]").focus();
}
