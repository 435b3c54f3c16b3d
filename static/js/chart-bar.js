// The controls above a group of charts. Their state stands in the address, so a link shows the same picture.
//
// What charts read from the element with data-charts: data-x (step, time, relative), data-smoothing (0 to 0.99),
// data-log and data-outliers (present or not); the event "charts:options" tells that one of them changed.

import { keep, kept } from "./charts/state.js";

export function mount(bar) {
  const group = bar.closest("[data-charts]");
  const axis = bar.querySelector("[data-chart-x]");
  const sliders = bar.querySelectorAll("[data-chart-smoothing]");
  const tell = () => group.dispatchEvent(new CustomEvent("charts:options"));

  const smooth = () => {
    group.dataset.smoothing = sliders[0].value;
    sliders[0].style.setProperty("--at", `${(sliders[0].value / 0.99) * 100}%`);
  };
  const press = (button, name, isOn) => {
    button.setAttribute("aria-pressed", isOn);
    group.toggleAttribute(`data-${name}`, isOn);
  };

  if (["time", "relative"].includes(kept("x"))) axis.value = kept("x");
  group.dataset.x = axis.value;
  axis.addEventListener("change", () => {
    group.dataset.x = axis.value;
    keep("x", axis.value === "step" ? null : axis.value);
    tell();
  });

  for (const slider of sliders) {
    slider.value = kept("smoothing") ?? slider.value;
    slider.addEventListener("input", () => {
      for (const other of sliders) if (other !== slider) other.value = slider.value;
      smooth();
      keep("smoothing", sliders[0].value === "0" ? null : sliders[0].value);
      tell();
    });
  }
  smooth();

  for (const name of ["log", "outliers"]) {
    const button = bar.querySelector(`[data-chart-${name}]`);
    press(button, name, kept(name) === "1");
    button.addEventListener("click", () => {
      press(button, name, button.getAttribute("aria-pressed") !== "true");
      keep(name, group.hasAttribute(`data-${name}`) ? "1" : null);
      tell();
    });
  }

  const find = bar.querySelector("[data-chart-find]");
  find?.addEventListener("input", () => keep("find", find.value));
  tell();
}
