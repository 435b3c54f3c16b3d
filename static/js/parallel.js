// Parallel coordinates: one axis a column, one line a run, drawn as SVG from data-url (as js/compare-plot.js reads).
// Each axis can be brushed, by dragging along it or by its two ends, which take arrow keys; lines outside turn grey.
// Brushes stand in the address: brush=<column>~<low>~<high>, both as shares of the axis from its lower end.

import { count, filled, short, slotOf, swatch } from "./charts/look.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_NAMED = 30;
const MOST_CATEGORIES = 8;

class Axis {
  constructor(column) {
    this.column = column;
    this.low = 0;
    this.high = 1;
    const known = column.values.filter((value) => value !== null);
    if (column.is_number) {
      [this.least, this.most] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 0];
      this.isLog = this.least > 0 && this.most / this.least >= 100;
    } else {
      this.names = [...new Set(known)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    }
  }

  /** Where a value is, 0 at the lower end and 1 at the upper; null for none. */
  share(value) {
    if (value === null) return null;
    if (this.names) return this.names.length < 2 ? 0.5 : this.names.indexOf(value) / (this.names.length - 1);
    const scale = this.isLog ? Math.log : (number) => number;
    const [least, most] = [scale(this.least), scale(this.most)];
    return most > least ? (scale(value) - least) / (most - least) : 0.5;
  }

  /** What stands at a share of the axis, in words. */
  told(share) {
    if (this.names) return this.names[Math.round(share * (this.names.length - 1))] ?? "";
    if (this.isLog) return short(this.least * (this.most / this.least) ** share);
    return short(this.least + (this.most - this.least) * share);
  }

  marks() {
    const ends = [[0, this.told(0)], [1, this.told(1)]];
    if (!this.column.values.some((value) => value !== null)) return [];
    if (!this.names) return this.least === this.most ? [[0.5, this.told(0.5)]] : ends;
    return this.names.length <= MOST_CATEGORIES ? this.names.map((name) => [this.share(name), name]) : ends;
  }

  get isBrushed() {
    return this.low > 0 || this.high < 1;
  }

  holds(value) {
    if (!this.isBrushed) return true;
    const share = this.share(value);
    return share !== null && share >= this.low - 1e-9 && share <= this.high + 1e-9;
  }
}

class Parallel {
  constructor(figure) {
    this.figure = figure;
    this.words = figure.dataset;
    this.root = figure.querySelector("[data-parallel]");
  }

  async start() {
    try {
      const answer = await fetch(this.words.url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      this.data = await answer.json();
    } catch (error) {
      this.figure.querySelector("[data-plot-note]").textContent = this.words.wordLost;
      console.warn(error);
      return;
    }
    const isColored = (one) => one.name === this.words.color;
    this.color = this.data.columns.find(isColored);
    const asked = new URLSearchParams(location.search).getAll("column");
    const shown = this.data.columns.filter((one) => !isColored(one) || !asked.length || asked.includes(one.name));
    this.axes = shown.map((column) => new Axis(column));
    this.recall();
    this.build();
    this.paint();
    this.figure.querySelector("[data-parallel-clear]").addEventListener("click", () => this.clear());
  }

  recall() {
    for (const text of new URLSearchParams(location.search).getAll("brush")) {
      const [high, low, ...name] = text.split("~").reverse();
      const axis = this.axes.find((one) => one.column.name === name.reverse().join("~"));
      if (axis && Number(low) <= Number(high)) Object.assign(axis, { low: within(Number(low)), high: within(Number(high)) });
    }
  }

  keep() {
    const address = new URL(location.href);
    address.searchParams.delete("brush");
    for (const one of this.axes) {
      if (one.isBrushed) address.searchParams.append("brush", `${one.column.name}~${one.low.toFixed(3)}~${one.high.toFixed(3)}`);
    }
    history.replaceState(history.state, "", address);
  }

  // ---- Building -----------------------------------------------------------------------------------------------------

  build() {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "0 0 100 100");
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", filled(this.words.wordSummary, { n: count(this.data.runs.length), axes: this.axes.map((one) => one.column.label).join(", ") }));
    const rails = document.createElementNS(SVG, "path");
    rails.setAttribute("class", "axisline");
    rails.setAttribute("d", this.axes.map((_one, place) => `M${this.x(place)} 0V100`).join(""));
    this.lines = this.data.runs.map((run, place) => this.line(run, place));
    picture.append(rails, ...this.lines.map((line) => line.path));
    this.picture = picture;
    this.root.replaceChildren(picture, ...this.axes.map((axis, place) => this.axisBox(axis, place)));
  }

  x(place) {
    return (place / Math.max(1, this.axes.length - 1)) * 100;
  }

  line(run, place) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", this.course(place));
    const title = document.createElementNS(SVG, "title");
    title.textContent = run.name;
    path.append(title);
    return { run, place, path };
  }

  /** A run's way over the axes; where it lacks a value the line has a gap. */
  course(place) {
    const step = 50 / Math.max(1, this.axes.length - 1);
    let before = null;
    return this.axes.map((axis, number) => {
      const share = axis.share(axis.column.values[place]);
      if (share === null) return (before = null) ?? "";
      const [x, y] = [this.x(number), 100 - share * 100];
      const drawn = before === null ? `M${x} ${y}` : `C${x - step} ${before} ${x - step} ${y} ${x} ${y}`;
      before = y;
      return drawn;
    }).join("");
  }

  axisBox(axis, place) {
    const box = element("div", "axis");
    box.style.left = `${this.x(place)}%`;
    const name = element("b", "", axis.column.label);
    name.title = axis.column.label;
    axis.brush = element("div", "brush");
    const rail = element("div", "rail");
    this.drag(rail, axis);
    axis.ends = ["low", "high"].map((end) => this.end(axis, end));
    box.append(name, ...axis.marks().map(([share, text]) => mark(share, text)), axis.brush, rail, ...axis.ends);
    return box;
  }

  end(axis, end) {
    const handle = element("div", `handle is-${end}`);
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-orientation", "vertical");
    handle.setAttribute("aria-valuemin", 0);
    handle.setAttribute("aria-valuemax", 100);
    handle.setAttribute("aria-label", filled(end === "low" ? this.words.wordLow : this.words.wordHigh, { axis: axis.column.label }));
    const steps = { ArrowUp: 0.02, ArrowRight: 0.02, ArrowDown: -0.02, ArrowLeft: -0.02, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 };
    handle.addEventListener("keydown", (event) => {
      if (!steps[event.key]) return;
      event.preventDefault();
      const to = within(axis[end] + steps[event.key]);
      axis[end] = end === "low" ? Math.min(to, axis.high) : Math.max(to, axis.low);
      this.paint();
      this.keep();
    });
    return handle;
  }

  drag(rail, axis) {
    const share = (event) => {
      const { top, height } = rail.getBoundingClientRect();
      return within(1 - (event.clientY - top) / height);
    };
    let from = null;
    rail.addEventListener("pointerdown", (event) => {
      from = share(event);
      rail.setPointerCapture(event.pointerId);
    });
    rail.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = share(event);
      Object.assign(axis, { low: Math.min(from, to), high: Math.max(from, to) });
      this.paint();
    });
    rail.addEventListener("pointerup", (event) => {
      if (Math.abs(share(event) - from) < 0.01) Object.assign(axis, { low: 0, high: 1 });
      from = null;
      this.paint();
      this.keep();
    });
  }

  clear() {
    for (const axis of this.axes) Object.assign(axis, { low: 0, high: 1 });
    this.paint();
    this.keep();
    this.root.querySelector(".handle")?.focus();
  }

  // ---- Painting -----------------------------------------------------------------------------------------------------

  paint() {
    const scale = this.color && new Axis(this.color);
    const inside = this.lines.filter(({ place }) => this.axes.every((axis) => axis.holds(axis.column.values[place])));
    const chosen = new Set(inside);
    for (const line of this.lines) {
      const isIn = chosen.has(line);
      line.path.setAttribute("class", isIn ? `mark s${slotOf(line.run.id) + 1}` : "mark mark--thin s-rest");
      const share = scale?.share(this.color.values[line.place]);
      line.path.style.stroke = isIn && scale ? blend(share) : "";
      line.path.style.strokeDasharray = isIn && scale ? "none" : "";
    }
    this.picture.append(...inside.map((line) => line.path)); // above the grey ones
    for (const axis of this.axes) this.paintBrush(axis);
    this.tell(inside);
  }

  paintBrush(axis) {
    axis.brush.hidden = !axis.isBrushed;
    axis.brush.style.bottom = `${axis.low * 100}%`;
    axis.brush.style.height = `${(axis.high - axis.low) * 100}%`;
    for (const [handle, share] of [[axis.ends[0], axis.low], [axis.ends[1], axis.high]]) {
      handle.style.bottom = `${share * 100}%`;
      handle.setAttribute("aria-valuenow", Math.round(share * 100));
      handle.setAttribute("aria-valuetext", axis.told(share));
    }
  }

  tell(inside) {
    const isBrushed = this.axes.some((axis) => axis.isBrushed);
    const words = isBrushed ? this.words.wordWithin : this.words.wordAll;
    const note = this.figure.querySelector("[data-plot-note]");
    note.textContent = filled(words, { n: count(inside.length), all: count(this.lines.length) });
    this.figure.querySelector("[data-parallel-clear]").hidden = !isBrushed;
    const only = this.figure.querySelector("[data-parallel-only]");
    only.hidden = !isBrushed || inside.length < 2;
    const address = new URL(location.href);
    address.searchParams.delete("run");
    address.searchParams.delete("brush");
    for (const { run } of inside) address.searchParams.append("run", run.id);
    only.href = address.href;
    const items = inside.slice(0, MOST_NAMED).map(({ run }) => {
      const item = element("li");
      item.append(swatch(run.id), run.name);
      return item;
    });
    this.figure.querySelector("[data-plot-legend]").replaceChildren(...(this.color ? [ramp(this.color)] : items));
  }
}

function blend(share) {
  return share === null ? "var(--series-rest)" : `color-mix(in oklab, var(--series-2) ${(share * 100).toFixed(1)}%, var(--series-1))`;
}

function ramp(column) {
  const axis = new Axis(column);
  const item = element("li", "ramp");
  item.append(`${column.label}: ${axis.told(0)}`, element("i"), axis.told(1));
  return item;
}

function within(share) {
  return Math.min(1, Math.max(0, share));
}

function mark(share, text) {
  const found = element("span", "", text);
  found.style.bottom = `${share * 100}%`;
  return found;
}

function element(tag, className = "", textContent = "") {
  return Object.assign(document.createElement(tag), { className, textContent });
}

export function mount(figure) {
  new Parallel(figure).start();
}
