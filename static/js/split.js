// The divider between two panes: drag it, or use the arrow keys. The width is remembered per page kind (data-name).

export function mount(split) {
  const handle = split.querySelector(":scope > .split-handle");
  const key = `split:${split.dataset.name}`;
  const fixed = split.classList.contains("split--fixed");

  const set = (percent) => {
    const value = Math.min(85, Math.max(15, percent));
    handle.setAttribute("aria-valuenow", Math.round(value));
    split.style.setProperty("--split", fixed ? `${value}%` : `${value / (100 - value)}fr`);
    try {
      localStorage.setItem(key, value);
    } catch {
      // A browser that keeps nothing still has a divider that moves.
    }
  };
  const at = (event) => {
    const box = split.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * 100;
  };

  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    const move = (moved) => set(at(moved));
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), { once: true });
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -3, ArrowRight: 3 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(Number(handle.getAttribute("aria-valuenow")) + step);
  });
  const kept = Number(localStorage.getItem(key));
  if (kept) set(kept);
}
