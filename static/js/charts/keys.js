// A chart by keys alone: left and right go through its points, plus and minus zoom about the place, 0 shows all.

/** `chart` gives xs() (ascending), show(x), zoom([low, high]), reset() and range(). */
export function listen(box, chart) {
  let at = null;
  const go = (to) => {
    const xs = chart.xs();
    if (!xs.length) return;
    at = Math.min(xs.length - 1, Math.max(0, to(at ?? -1, xs.length)));
    chart.show(xs[at]);
  };
  const zoom = (factor) => {
    const xs = chart.xs();
    const [low, high] = chart.range();
    const middle = at !== null && xs[at] >= low && xs[at] <= high ? xs[at] : (low + high) / 2;
    chart.zoom([middle - (middle - low) * factor, middle + (high - middle) * factor]);
  };
  const acts = {
    ArrowRight: () => go((here) => here + 1),
    ArrowLeft: () => go((here) => here - 1),
    PageDown: () => go((here, all) => here + Math.ceil(all / 20)),
    PageUp: () => go((here, all) => here - Math.ceil(all / 20)),
    Home: () => go(() => 0),
    End: () => go((_here, all) => all - 1),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    0: () => chart.reset(),
    Escape: () => chart.show(null),
  };
  box.addEventListener("keydown", (event) => {
    if (event.target !== box || event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  });
  box.addEventListener("blur", () => chart.show(null));
}
