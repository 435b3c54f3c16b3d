// A chart's points as a table.

import { count, filled, short } from "./look.js";

const ROWS = 500;

export function tableOf(series, words) {
  const all = [...new Set(series.flatMap((one) => one.steps))].sort((a, b) => a - b);
  const columns = series.map((one) => new Map(one.steps.map((step, at) => [step, one.values[at]])));
  const table = document.createElement("table");
  table.className = "table";
  if (all.length > ROWS) table.createCaption().textContent = filled(words.wordFirst, { n: count(ROWS), all: count(all.length) });
  const head = table.createTHead().insertRow();
  for (const text of [words.wordStep, ...series.map((one) => one.name)]) head.append(cell("col", text));
  const body = table.createTBody();
  for (const step of all.slice(0, ROWS)) {
    const row = body.insertRow();
    row.append(cell("row", count(step)));
    for (const column of columns) Object.assign(row.insertCell(), { className: "num", textContent: short(column.get(step)) });
  }
  return table;
}

function cell(scope, textContent) {
  return Object.assign(document.createElement("th"), { scope, className: "num", textContent });
}
