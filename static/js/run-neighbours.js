// Previous and next run of the table one came from, which runs-table.js has kept: {url, runs}. Keys k and j.

const CAME_FROM = "runs:came-from";

export function mount(nav) {
  let kept;
  try {
    kept = JSON.parse(sessionStorage.getItem(CAME_FROM));
  } catch {
    return;
  }
  const here = kept?.runs.indexOf(nav.dataset.run) ?? -1;
  if (here < 0) return;
  for (const link of nav.querySelectorAll("[data-step]")) {
    const run = kept.runs[here + Number(link.dataset.step)];
    if (run) link.href = location.pathname.replace(nav.dataset.run, run);
  }
  const table = nav.querySelector("[data-table]");
  table.href = kept.url;
  table.textContent = `${here + 1} / ${kept.runs.length}`;
  nav.hidden = false;

  const key = (event) => {
    const off = document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]");
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step) nav.querySelector(`[data-step="${step}"][href]`)?.click();
  };
  document.addEventListener("keydown", key);
  return () => document.removeEventListener("keydown", key);
}
