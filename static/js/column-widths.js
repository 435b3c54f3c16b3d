// Widths of columns: drag the edge of a head, or Shift with an arrow on the head; a double click gives a column its own width
// back. They stand in the address (width=metrics.loss:120), and the column dialog has them as numbers.

const NARROWEST = 48;
const WIDEST = 960;
const STEP = 16;

export function mount(form) {
  const heads = () => [...form.querySelectorAll("thead [data-column]")];
  const widths = new Map();

  const read = () => {
    widths.clear();
    for (const head of heads()) if (head.dataset.width) widths.set(head.dataset.column, Number(head.dataset.width));
  };
  const show = () => {
    const rules = heads().filter((head) => widths.has(head.dataset.column)).map((head) => {
      const width = widths.get(head.dataset.column);
      return `#run-table tr>:nth-child(${head.cellIndex + 1}){width:${width}px;min-width:${width}px;max-width:${width}px}`;
    });
    form.querySelector("#run-widths").textContent = rules.join("");
  };
  const keep = () => {
    const values = [...widths].map(([name, width]) => `${name}:${width}`);
    document.dispatchEvent(new CustomEvent("address:keep", { detail: { name: "width", values } }));
    form.dispatchEvent(new CustomEvent("columns:resized"));
  };
  const set = (head, width) => {
    widths.set(head.dataset.column, Math.round(Math.min(WIDEST, Math.max(NARROWEST, width))));
    show();
  };

  form.addEventListener("pointerdown", (event) => {
    if (!event.target.matches(".resize")) return;
    event.preventDefault();
    const edge = event.target;
    const head = edge.closest("th");
    const [from, start] = [event.clientX, head.offsetWidth];
    edge.setPointerCapture(event.pointerId);
    const move = (moved) => set(head, start + moved.clientX - from);
    edge.addEventListener("pointermove", move);
    edge.addEventListener("pointerup", () => {
      edge.removeEventListener("pointermove", move);
      keep();
    }, { once: true });
  });
  form.addEventListener("dblclick", (event) => {
    if (!event.target.matches(".resize")) return;
    widths.delete(event.target.closest("th").dataset.column);
    show();
    keep();
  });
  form.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    const head = event.target.closest("thead [data-column]");
    if (!step || !head || !event.shiftKey) return;
    event.preventDefault();
    set(head, head.offsetWidth + step);
    keep();
  });
  form.addEventListener("htmx:load", read);
  read();
}
