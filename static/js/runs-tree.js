// Nested runs: opened below their parent when asked for, taken away when closed. The link alone does it too, by a whole page.

const depth = (row) => Number(row.dataset.depth ?? 0);

function below(row) {
  const found = [];
  for (let next = row.nextElementSibling; next && depth(next) > depth(row); next = next.nextElementSibling) found.push(next);
  return found;
}

export function mount(form) {
  const opened = new Set(new URLSearchParams(location.search).getAll("open"));

  const keep = () => document.dispatchEvent(new CustomEvent("address:keep", { detail: { name: "open", values: [...opened] } }));
  const close = (row, link) => {
    for (const one of below(row)) {
      const inner = one.querySelector("[data-open]");
      if (inner) opened.delete(inner.dataset.open);
      one.remove();
    }
    opened.delete(link.dataset.open);
    form.dispatchEvent(new Event("change"));
  };
  const open = async (row, link) => {
    const address = new URL(location.href);
    for (const name of ["open", "tick", "column"]) address.searchParams.delete(name);
    address.searchParams.set("under", link.dataset.open);
    address.searchParams.set("depth", depth(row) + 1);
    const shown = form.querySelector("#run-table").dataset.shown;
    await htmx.ajax("GET", address.pathname + address.search + shown, { source: form, target: row, swap: "afterend" });
    opened.add(link.dataset.open);
  };
  const toggle = async (link) => {
    const row = link.closest("tr");
    const isOpen = link.getAttribute("aria-expanded") === "true";
    link.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) close(row, link);
    else await open(row, link);
    keep();
  };

  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(link);
  });
  form.addEventListener("keydown", (event) => {
    const wanted = { ArrowRight: "false", ArrowLeft: "true" }[event.key];
    const link = wanted && !event.shiftKey && event.target.closest("tbody tr")?.querySelector("[data-open]");
    if (!link || link.getAttribute("aria-expanded") !== wanted) return;
    event.preventDefault();
    toggle(link);
  });
}
