// The controls above a group of charts. Their state stands in the address, so a link shows the same picture.

export function mount(bar) {
  const group = bar.closest("[data-charts]");
  const axis = bar.querySelector("[data-chart-x]");
  const sliders = bar.querySelectorAll("[data-chart-smoothing]");
  const asked = new URLSearchParams(location.search);

  const tell = () => {
    group.dataset.x = axis.value;
    group.dataset.smoothing = sliders[0].value;
    sliders[0].style.setProperty("--at", `${(sliders[0].value / 0.99) * 100}%`);
    group.dispatchEvent(new CustomEvent("charts:options"));
  };
  const keep = () => {
    const address = new URL(location.href);
    for (const [name, value, rest] of [["x", axis.value, "step"], ["smoothing", sliders[0].value, "0"]]) {
      if (value === rest) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    history.replaceState(history.state, "", address);
  };

  if (["time", "relative"].includes(asked.get("x"))) axis.value = asked.get("x");
  for (const slider of sliders) {
    slider.value = asked.get("smoothing") ?? slider.value;
    slider.addEventListener("input", () => {
      for (const other of sliders) other.value = slider.value;
      tell();
      keep();
    });
  }
  axis.addEventListener("change", () => {
    tell();
    keep();
  });
  tell();
}
