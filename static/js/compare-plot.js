// Values of runs against each other: scatter, contour or box, drawn by Plotly from data-url:
//   {"runs": [{"id", "name"}], "columns": [{"name", "label", "is_number", "values": []}]}
// data-kind says which; data-x, data-y, data-z and data-color name the columns.

import { count, escaped, filled, short, slotOf, swatch, themeAt } from "./charts/look.js";
import { plotly } from "./charts/plotly.js";
import { savePicture } from "./charts/save.js";

export function mount(figure) {
  const words = figure.dataset;
  const box = figure.querySelector("[data-plot-box]");
  let data = null;
  let stopped = false;

  const draw = async () => {
    if (!data) return;
    const [theme] = await Promise.all([themeAt(words.themeUrl), plotly(words.plotlyUrl)]);
    if (stopped) return;
    const plot = PLOTS[words.kind](data, words, theme);
    await Plotly.react(box, plot.traces, layout(theme, plot, box), { displaylogo: false, displayModeBar: false });
    describe(figure, words, data, plot);
  };
  const load = async () => {
    try {
      const answer = await fetch(words.url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      data = await answer.json();
      await draw();
    } catch (error) {
      figure.querySelector("[data-plot-note]").textContent = words.wordLost;
      console.warn(error);
    }
  };

  for (const button of figure.querySelectorAll("[data-plot-save]")) {
    button.addEventListener("click", () => data && savePicture(box, button.dataset.plotSave, `${words.kind}-${words.x}-${words.y}`));
  }
  const sized = new ResizeObserver(() => data && Plotly.Plots.resize(box));
  document.addEventListener("studio:theme", draw);
  load().then(() => !stopped && sized.observe(box));
  return () => {
    stopped = true;
    sized.disconnect();
    document.removeEventListener("studio:theme", draw);
    window.Plotly?.purge(box);
  };
}

const PLOTS = { scatter, contour, box };

function column(data, name) {
  return data.columns.find((one) => one.name === name);
}

/** The places of the runs that have all of the columns. */
function whole(columns) {
  return columns[0].values.flatMap((_value, at) => (columns.every((one) => one.values[at] !== null) ? [at] : []));
}

function hover(data, columns, at) {
  return at.map((place) => [escaped(data.runs[place].name), ...columns.map((one) => `${escaped(one.label)} ${escaped(text(one.values[place]))}`)].join("<br>"));
}

function text(value) {
  return typeof value === "number" ? short(value) : String(value);
}

function dots(data, columns, at, marker) {
  const [x, y] = columns;
  return {
    type: "scatter", mode: "markers", x: at.map((place) => x.values[place]), y: at.map((place) => y.values[place]),
    text: hover(data, columns, at), hovertemplate: "%{text}<extra></extra>", marker: { size: 9, ...marker },
  };
}

function scatter(data, words, theme) {
  const [x, y, color] = [words.x, words.y, words.color].map((name) => name && column(data, name));
  const columns = color ? [x, y, color] : [x, y];
  const at = whole(columns);
  if (color?.is_number) {
    const marker = { color: at.map((place) => color.values[place]), coloraxis: "coloraxis" };
    return { traces: [dots(data, columns, at, marker)], at, x, y, color };
  }
  if (color) {
    const names = [...new Set(at.map((place) => color.values[place]))].sort();
    const legend = names.map((name, place) => ({ name, slot: place % theme.slots.length }));
    const traces = legend.map(({ name, slot }) => {
      const look = theme.slots[slot];
      return dots(data, columns, at.filter((place) => color.values[place] === name), { color: look.color, symbol: look.symbol });
    });
    return { traces, at, x, y, legend };
  }
  const traces = at.map((place) => {
    const look = theme.slots[slotOf(data.runs[place].id)];
    return dots(data, columns, [place], { color: look.color, symbol: look.symbol });
  });
  return { traces, at, x, y, runs: at.map((place) => data.runs[place]) };
}

function contour(data, words, theme) {
  const columns = [words.x, words.y, words.z].map((name) => column(data, name));
  const [x, y, z] = columns;
  const at = z.is_number ? whole(columns) : [];
  const isFlat = [x, y].some((one) => new Set(at.map((place) => one.values[place])).size < 2);
  if (at.length < 3 || isFlat) return { traces: [], at, x, y, note: words.wordFew };
  const values = (one) => at.map((place) => one.values[place]);
  const surface = {
    type: "contour", x: values(x), y: values(y), z: values(z), connectgaps: true, hoverinfo: "skip",
    coloraxis: "coloraxis", contours: { coloring: "heatmap" }, line: { width: 0.5 },
  };
  const marker = { color: theme.template.layout.paper_bgcolor, size: 7, line: { color: theme.template.layout.font.color, width: 1.5 } };
  return { traces: [surface, dots(data, columns, at, marker)], at, x, y, color: z };
}

function box(data, words, theme) {
  const [x, y] = [words.x, words.y].map((name) => column(data, name));
  const at = y.is_number ? whole([x, y]) : [];
  const order = [...new Set(at.map((place) => x.values[place]))].sort((a, b) => (x.is_number ? a - b : String(a).localeCompare(String(b))));
  const trace = {
    type: "box", x: at.map((place) => text(x.values[place])), y: at.map((place) => y.values[place]), boxpoints: "all", jitter: 0.4, pointpos: 0,
    text: hover(data, [x, y], at), hoveron: "points", hovertemplate: "%{text}<extra></extra>", marker: { color: theme.slots[0].color, size: 6, opacity: 0.7 },
    line: { color: theme.slots[0].color, width: 1.5 }, fillcolor: "rgba(0,0,0,0)",
  };
  return { traces: [trace], at, x: { ...x, is_number: false }, y, order: order.map(text) };
}

function layout(theme, plot, box) {
  const categories = plot.order ? { categoryorder: "array", categoryarray: plot.order } : {};
  return {
    template: theme.template, height: box.clientHeight || 400, autosize: true, showlegend: false, hovermode: "closest",
    xaxis: { title: { text: escaped(plot.x.label) }, type: axisType(plot.x), showspikes: false, exponentformat: exponents(plot.x), ...categories },
    yaxis: { title: { text: escaped(plot.y.label) }, type: axisType(plot.y), showspikes: false, exponentformat: exponents(plot.y) },
    coloraxis: { colorscale: theme.template.layout.colorscale.sequential, colorbar: { title: { text: escaped(plot.color?.label ?? "") }, thickness: 10, outlinewidth: 0 } },
    margin: { t: 12, r: 16, b: 48, l: 60 },
  };
}

/** Numbers that span two powers of ten or more, as learning rates do, are told apart on a log axis. */
function axisType(one) {
  if (!one.is_number) return "category";
  const known = one.values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return low > 0 && high / low >= 100 ? "log" : "linear";
}

function exponents(one) {
  const sizes = one.values.filter((value) => typeof value === "number" && value !== 0).map(Math.abs);
  return sizes.every((size) => size >= 1e-4 && size < 1e6) ? "none" : "power";
}

function describe(figure, words, data, plot) {
  const absent = data.runs.length - plot.at.length;
  const notes = [plot.note, absent ? filled(words.wordAbsent, { n: count(absent), all: count(data.runs.length) }) : ""];
  figure.querySelector("[data-plot-note]").textContent = notes.filter(Boolean).join(" · ");
  const axes = figure.querySelector("h2").textContent;
  figure.querySelector("[data-plot-box]").setAttribute("aria-label", filled(words.wordSummary, { kind: words.kind, axes, n: count(plot.at.length) }));
  figure.querySelector("[data-plot-legend]").replaceChildren(...(plot.runs ?? []).map((run) => item(swatch(run.id), run.name)), ...(plot.legend ?? []).map((one) => item(square(one.slot), one.name)));
}

function item(...parts) {
  const found = document.createElement("li");
  found.append(...parts);
  return found;
}

function square(slot) {
  const box = document.createElement("span");
  box.innerHTML = `<svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true"><path class="mark s${slot + 1}" d="M0 5h10" stroke-width="10"/></svg>`;
  return box.firstChild;
}
