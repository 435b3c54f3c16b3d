// A chart nobody has touched yet, in a few hundred bytes of SVG: Plotly costs a page 1.4 MB and half a second of the
// processor before its first line, and whoever glances at a page of curves needs none of what it can do.

import { count, slotOf } from "./look.js";
import { extent } from "./smoothing.js";

const FINEST = 1e-5;
const LARGEST = 1e9;
const TICK_WIDTH = 60;
const MOST_Y = 6;

/** Whether lines over numbers tell all: marks, dates, logarithms, averages and zooms are Plotly's. */
export function isPlain(series) {
  return series.length > 0 && series.every((one) => one.x.length && one.values.every(Number.isFinite)) && fits(series);
}

function fits(series) {
  const [low, high] = extent(series.flatMap((one) => extent(one.values)));
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return largest < LARGEST && (low === high || high - low > FINEST);
}

/** Draw `series` into `box`, which Plotly takes over once it is touched. */
export function sketch(box, series, title) {
  const x = scaleOf(extent(series.flatMap((one) => extent(one.x))), 0, Math.max(2, Math.floor(box.clientWidth / TICK_WIDTH)));
  const y = scaleOf(extent(series.flatMap((one) => extent(one.values))), 0.055, MOST_Y);
  const plot = document.createElement("div");
  plot.className = "plot-box plot-sketch";
  const lines = series.map((one) => line(one, x, y));
  const grid = y.ticks.map((value) => `<path class="gridline" d="M0 ${1000 - y.at(value)}H1000"/>`);
  plot.innerHTML = `<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">${grid.join("")}<path class="axisline" d="M0 1000H1000"/>${lines.join("")}</svg>`;
  for (const value of y.ticks) plot.append(label("y", y.text(value), "bottom", y.at(value)));
  for (const value of x.ticks) plot.append(label("x", x.text(value), "left", x.at(value)));
  plot.append(Object.assign(document.createElement("span"), { className: "x-title", textContent: title }));
  box.replaceChildren(plot);
}

function line(one, x, y) {
  const points = one.values.map((value, at) => `${x.at(one.x[at]).toFixed(1)} ${(1000 - y.at(value)).toFixed(1)}`);
  const [dot, end] = points.length === 1 ? [" mark--dot", "h0"] : ["", ""];
  return `<path class="mark${dot} s${slotOf(one.run_id) + 1}" d="M${points.join("L")}${end}"/>`;
}

/** Map an extent, with `room` of it at each end, on 0 to 1000; its ticks are round numbers, `most` at most. */
function scaleOf([low, high], room, most) {
  const width = high - low || 2;
  const [from, to] = high > low ? [low - width * room, high + width * room] : [low - 1, high + 1];
  const step = roundStep((to - from) / most);
  const ticks = [];
  for (let n = Math.ceil(from / step); n * step <= to + step * 1e-9; n += 1) ticks.push(n * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = (value) => count(Number(value.toFixed(digits)) || 0, { maximumFractionDigits: digits }).replace("-", "−");
  return { ticks, text, at: (value) => ((value - from) / (to - from)) * 1000 };
}

function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9));
}

function label(side, text, edge, at) {
  const word = Object.assign(document.createElement("span"), { className: side, textContent: text });
  word.style.setProperty(edge, `${at / 10}%`);
  return word;
}
