// A chart's lines for Plotly, and the marks of what a line cannot show.

import { escaped } from "./look.js";
import { smoothed } from "./smoothing.js";
import { sorted } from "./values.js";

// On an axis of its own from 0 (bottom edge) to 1 (top edge), so that marks stay at the edge while the other one zooms.
export const EDGE = { overlaying: "y", range: [0, 1], fixedrange: true, visible: false };

const MARKS = [
  ["nan", 0, "x-thin-open", () => "NaN"],
  ["up", 1, "triangle-up", () => "∞"],
  ["down", 0, "triangle-down", () => "−∞"],
  ["beneath", 0, "circle-open", (value) => `${value}`],
];

/** The lines and marks of one run: `one` has name, x and values (numbers, not finite ones too). */
export function tracesOf(one, look, { weight, unit, isLog }) {
  const places = sorted(one.values, isLog);
  const known = new Set(places.drawn);
  const y = one.values.map((value, at) => (known.has(at) ? value : null));
  const name = escaped(one.name);
  const isDot = places.drawn.length === 1;
  const line = {
    x: one.x, y, name, type: "scatter", mode: isDot ? "markers" : "lines", connectgaps: false,
    line: { color: look.color, dash: look.dash, width: 1.75 },
    marker: { color: look.color, symbol: look.symbol, size: 7 },
    hovertemplate: `%{y:.4~g}<extra>${name}</extra>`,
  };
  const marks = MARKS.filter(([kind]) => places[kind].length).map((mark) => edge(mark, one, places, look, name));
  if (!weight || isDot) return [line, ...lone(one, y, look, name), ...marks];
  const raw = { ...line, opacity: 0.25, hoverinfo: "skip", hovertemplate: undefined, showlegend: false };
  return [raw, { ...line, y: smoothed(one.x, y.map((value) => value ?? NaN), weight, unit) }, ...marks];
}

function edge([kind, y, symbol, word], one, places, look, name) {
  const at = places[kind];
  return {
    x: at.map((place) => one.x[place]), y: at.map(() => y), text: at.map((place) => word(one.values[place])),
    yaxis: "y2", name, type: "scatter", mode: "markers", cliponaxis: false, showlegend: false,
    marker: { color: look.color, symbol, size: 8, line: { color: look.color, width: 1.5 } },
    hovertemplate: `%{text}<extra>${name}</extra>`,
  };
}

/** A number between two gaps is no line: it is drawn as a dot, or it would not be seen. */
function lone(one, y, look, name) {
  const at = y.flatMap((value, place) => (value !== null && y[place - 1] == null && y[place + 1] == null ? [place] : []));
  if (!at.length || y.length === 1) return [];
  return [{
    x: at.map((place) => one.x[place]), y: at.map((place) => y[place]), name, type: "scatter", mode: "markers",
    showlegend: false, hoverinfo: "skip", marker: { color: look.color, symbol: look.symbol, size: 6 },
  }];
}
