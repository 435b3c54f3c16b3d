// From difference to difference, by buttons and by n and p; past the last one of a page the next page comes.

export function mount(bar) {
  const at = bar.querySelector("[data-diff-at]");
  const rows = () => [...document.querySelectorAll("#diff tr[data-differs]")];
  let here = -1;

  const say = () => {
    at.textContent = here < 0 ? "" : at.dataset.words.replace("{n}", here + 1).replace("{all}", rows().length);
  };
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const next = here < 0 && step < 0 ? all.length - 1 : here + step;
    const page = document.querySelector(`#diff a[rel=${step > 0 ? "next" : "prev"}]`);
    if ((next < 0 || next >= all.length) && page) return page.click();
    here = Math.min(all.length - 1, Math.max(0, next));
    for (const row of document.querySelectorAll("#diff tr.is-current")) row.classList.remove("is-current");
    all[here].classList.add("is-current");
    all[here].querySelector("th").focus();
    all[here].scrollIntoView({ block: "nearest" });
    say();
  };
  const keys = (event) => {
    const off = document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]");
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not(.tick), textarea, select")) return;
    const step = { n: 1, p: -1 }[event.key];
    if (step) go(step);
  };
  const changed = (event) => {
    if (event.detail.target?.id !== "diff" && event.target.id !== "diff") return;
    here = -1;
    say();
  };

  for (const button of bar.querySelectorAll("[data-diff-step]")) button.addEventListener("click", () => go(Number(button.dataset.diffStep)));
  document.addEventListener("keydown", keys);
  document.addEventListener("htmx:afterSwap", changed);
  return () => {
    document.removeEventListener("keydown", keys);
    document.removeEventListener("htmx:afterSwap", changed);
  };
}
