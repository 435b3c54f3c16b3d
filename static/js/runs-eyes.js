// Which runs the charts draw: the ticked ones, or the first of the table when none is ticked; an eye adds one or takes one
// away. Both stand in the address (draw=, hide=).

const FIRST = 5;
const MOST = 30;

export function mount(form) {
  const charts = document.getElementById("charts");
  const asked = new URLSearchParams(location.search);
  const added = new Set(asked.getAll("draw"));
  const hidden = new Set(asked.getAll("hide"));
  let told = "";

  const eyes = () => [...form.querySelectorAll("[data-eye]")];
  const base = () => {
    const ticked = [...form.querySelectorAll("input[name=run]:checked")].map((tick) => tick.value);
    return ticked.length ? ticked : [...form.querySelectorAll("tr:not([data-depth]) [data-eye]")].slice(0, FIRST).map((eye) => eye.dataset.eye);
  };
  const drawn = () => [...new Set([...base(), ...added])].filter((run) => !hidden.has(run)).slice(0, MOST);
  const tell = () => {
    const runs = drawn();
    for (const eye of eyes()) eye.setAttribute("aria-pressed", String(runs.includes(eye.dataset.eye)));
    if (runs.join() === told) return;
    told = runs.join();
    document.body.dispatchEvent(new CustomEvent("runs:drawn"));
  };
  const keep = () => {
    for (const [name, values] of [["draw", added], ["hide", hidden]]) {
      document.dispatchEvent(new CustomEvent("address:keep", { detail: { name, values: [...values] } }));
    }
  };
  const turn = (run) => {
    if (drawn().includes(run)) {
      added.delete(run);
      if (drawn().includes(run)) hidden.add(run);
    } else {
      hidden.delete(run);
      if (!drawn().includes(run)) added.add(run);
    }
    keep();
    tell();
  };

  form.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-eye]");
    if (eye) turn(eye.dataset.eye);
  });
  form.addEventListener("change", () => setTimeout(tell));
  form.addEventListener("htmx:load", () => setTimeout(tell));
  charts?.addEventListener("htmx:configRequest", (event) => {
    if (event.target === charts) event.detail.path += `?${new URLSearchParams(drawn().map((run) => ["run", run]))}`;
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => setTimeout(tell), { once: true });
  else setTimeout(tell);
}
