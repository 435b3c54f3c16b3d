// One metric of one run or several, drawn by Plotly. A figure (templates/_components/plot.html) says by data-:
//
//   url          answers [{"run_id", "name", "is_running", "steps": [], "times": [], "values": [], "total"}], honours
//                start_step and end_step; null is NaN, "Infinity" an infinity (docs/contributing/pages.md)
//   plotly-url   the library;   title   the metric;   theme-url   js/plotly-theme.json;   live   present while its runs go on
//   word-…       the sentences it says
//
// The nearest [data-charts] gives x axis, smoothing, log and outliers (js/chart-bar.js) and carries what is hovered
// from chart to chart. The server samples, keeping every minimum and maximum; a zoom asks again for its range. New
// points of a running run arrive without touching the zoom. Until somebody comes near one of its charts a group is
// sketched (charts/sketch.js) where lines tell all; then data-awake stands on it, and Plotly draws.

import { listen } from "./charts/keys.js";
import { Link } from "./charts/link.js";
import { count, filled, short, slotOf, swatch, themeAt } from "./charts/look.js";
import { plotly } from "./charts/plotly.js";
import { savePicture, saveTable } from "./charts/save.js";
import { isPlain, sketch } from "./charts/sketch.js";
import { extent, unitOf } from "./charts/smoothing.js";
import { keepZoom, keptZoom } from "./charts/state.js";
import { tableOf } from "./charts/table.js";
import { EDGE, tracesOf } from "./charts/traces.js";
import { fence, number, sorted } from "./charts/values.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000;
const MOST_TOLD = 8;
const NEAR = ["pointerenter", "pointerdown", "focusin"];

class MetricChart {
  constructor(figure) {
    this.figure = figure;
    this.words = figure.dataset;
    this.group = figure.closest("[data-charts]") ?? figure;
    this.box = figure.querySelector("[data-plot-box]");
    this.values = figure.querySelector("[data-plot-values]");
    this.link = new Link(this.group, this.box);
    this.series = [];
    this.origins = new Map();
    this.view = keptZoom(this.words.title); // what the x axis shows, null for all
    this.steps = null; // the steps asked for
    this.turn = 0; // counts the views that were set here and not by Plotly
    this.log = null; // null: as the group has it
    this.wait = EVERY_MS;
  }

  start() {
    const { figure, box } = this;
    this.redraw = () => this.changed();
    this.group.addEventListener("charts:options", this.redraw);
    document.addEventListener("studio:theme", this.redraw);
    this.wake = () => this.awaken();
    for (const sign of NEAR) this.group.addEventListener(sign, this.wake);
    this.on("[data-plot-log]", (button) => {
      this.log = !this.isLog(); // no sketch shows it: Plotly draws
      button.setAttribute("aria-pressed", this.log);
      this.draw();
    });
    this.on("[data-plot-table]", (button) => this.toggleTable(button));
    this.on("[data-plot-reset]", () => this.zoom(null));
    this.on("[data-plot-full]", () => (document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen()));
    for (const button of figure.querySelectorAll("[data-plot-save]")) button.addEventListener("click", () => this.save(button.dataset.plotSave));
    box.setAttribute("aria-description", this.words.wordKeys);
    listen(box, {
      xs: () => [...new Set(this.series.flatMap((one) => one.x))].sort((a, b) => a - b),
      range: () => this.shownRange(),
      show: (x) => this.show(x),
      zoom: (range) => this.zoom(range),
      reset: () => this.zoom(null),
    });
    this.seen = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible && !this.drawn && !this.loading) this.load();
    }, { rootMargin: "200px" });
    this.seen.observe(figure);
    this.sized = new ResizeObserver(() => this.isPlot() && !box.hidden && box.offsetParent && Plotly.Plots.resize(box));
    this.sized.observe(box);
  }

  on(selector, act) {
    this.figure.querySelector(selector)?.addEventListener("click", (event) => act(event.currentTarget));
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.seen.disconnect();
    this.sized.disconnect();
    this.link.end();
    this.group.removeEventListener("charts:options", this.redraw);
    document.removeEventListener("studio:theme", this.redraw);
    for (const sign of NEAR) this.group.removeEventListener(sign, this.wake);
    if (this.isPlot()) Plotly.purge(this.box);
  }

  // ---- Points -------------------------------------------------------------------------------------------------------

  async load() {
    clearTimeout(this.timer);
    const asked = (this.asked = {}); // an answer that comes after a later question is dropped
    this.loading = true;
    try {
      const found = await this.fetch();
      if (this.stopped || this.asked !== asked) return;
      this.take(found);
      this.wait = EVERY_MS;
      if (this.view && !this.steps && this.series.some((one) => one.x.length)) {
        this.steps = this.stepsIn(this.view);
        return await this.load();
      }
      await this.draw();
    } catch (error) {
      this.wait = Math.min(SLOWEST_MS, this.wait * 2);
      this.lost(error);
    }
    this.loading = false;
    if (!this.stopped && (this.isLive() || this.wait > EVERY_MS)) this.timer = setTimeout(() => this.again(), this.wait);
  }

  async fetch() {
    const url = new URL(this.words.url, location.href);
    if (this.steps) {
      url.searchParams.set("start_step", this.steps[0]);
      url.searchParams.set("end_step", this.steps[1]);
    }
    const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  take(found) {
    this.series = found.filter((one) => one.total).map((one) => ({ ...one, values: one.values.map(number) }));
    if (!this.steps) for (const one of this.series) this.origins.set(one.run_id, extent(one.times)[0]);
    this.place();
  }

  place() {
    for (const one of this.series) {
      const begin = this.origins.get(one.run_id) ?? one.times[0];
      if (this.axis() === "time") one.x = one.times;
      else one.x = this.axis() === "relative" ? one.times.map((ms) => (ms - begin) / 1000) : one.steps;
    }
    this.placed = this.axis();
  }

  lost(error) {
    this.waking = null;
    this.note(this.words.wordLost);
    console.warn(error);
  }

  again() {
    if (document.hidden || !this.visible) this.timer = setTimeout(() => this.again(), EVERY_MS);
    else this.load();
  }

  isLive() {
    return this.words.live !== undefined && (!this.series.length || this.series.some((one) => one.is_running !== false));
  }

  // ---- What is asked of the group and of this chart -----------------------------------------------------------------

  axis() {
    return this.group.dataset.x ?? "step";
  }

  isLog() {
    return this.log ?? this.group.hasAttribute("data-log") ?? false;
  }

  changed() {
    if (!this.drawn) return;
    if (this.placed === this.axis()) return this.draw();
    this.zoom(null, { always: true });
  }

  // ---- Zoom ---------------------------------------------------------------------------------------------------------

  /** Show a range of the x axis, all for null, with as many points of it as a chart can hold. */
  zoom(range, { always = false } = {}) {
    if (!range && !this.view && !always) return this.draw(++this.turn);
    this.turn += 1;
    this.look(range);
  }

  look(range) {
    this.view = range;
    this.steps = range && this.stepsIn(range);
    keepZoom(this.words.title, range);
    return this.load();
  }

  /** Plotly tells what a drag, a wheel or a double click changed. */
  zoomed(change) {
    const [low, high] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (low !== undefined) this.look(this.axis() === "time" ? [low, high].map(moment) : [Number(low), Number(high)]);
    else if (change["xaxis.autorange"] && this.view) this.look(null);
  }

  /** Give the steps of all points within a range of x, and one more on either side, so that lines reach the edge. */
  stepsIn([low, high]) {
    if (this.axis() === "step") return [Math.floor(low), Math.ceil(high)];
    let [first, last] = [Infinity, -Infinity];
    for (const one of this.series) {
      const inside = one.x.flatMap((x, at) => (x >= low && x <= high ? [at] : []));
      const before = one.x.findLastIndex((x) => x < low);
      const after = one.x.findIndex((x) => x > high);
      for (const at of [...inside, ...(before < 0 ? [] : [before]), ...(after < 0 ? [] : [after])]) {
        first = Math.min(first, one.steps[at]);
        last = Math.max(last, one.steps[at]);
      }
    }
    return first <= last ? [first, last] : null;
  }

  shownRange() {
    if (this.view) return this.view;
    return extent(this.series.flatMap((one) => extent(one.x)));
  }

  // ---- Drawing ------------------------------------------------------------------------------------------------------

  async draw() {
    const isLog = this.isLog();
    const cut = this.group.hasAttribute("data-outliers") ? fence(this.series.flatMap((one) => one.values), isLog) : null;
    if (this.isSketch(isLog, cut)) sketch(this.box, this.series, this.axisTitle());
    else await this.plot(isLog, cut);
    if (this.stopped) return;
    this.drawn = true;
    this.figure.querySelector("[data-plot-reset]").hidden = !this.view;
    this.describe(cut, isLog);
    this.fillLegend();
    if (!this.values.hidden) this.values.replaceChildren(tableOf(this.series, this.words));
  }

  /** Somebody is near: from here on Plotly draws this chart and those beside it. */
  async awaken() {
    const wasSketch = this.drawn && !this.isPlot();
    this.group.dataset.awake = "";
    if (wasSketch) await (this.waking ??= this.draw().catch((error) => this.lost(error)));
  }

  isSketch(isLog, cut) {
    const isAsked = this.group.hasAttribute("data-awake") || this.view || isLog || cut || this.weight();
    return !isAsked && !this.isPlot() && this.axis() !== "time" && isPlain(this.series);
  }

  isPlot() {
    return Boolean(this.box.data); // Plotly's own mark
  }

  async plot(isLog, cut) {
    const [theme] = await Promise.all([themeAt(this.words.themeUrl), plotly(this.words.plotlyUrl)]);
    if (this.stopped) return;
    const unit = unitOf(this.series.map((one) => one.x));
    const options = { weight: this.weight(), unit, isLog };
    const traces = this.series.flatMap((one) => tracesOf(one, theme.slots[slotOf(one.run_id)], options));
    const isFirst = !this.isPlot();
    if (isFirst) this.box.replaceChildren();
    await Plotly.react(this.box, traces, this.layout(theme, traces, cut, isLog), { displaylogo: false, displayModeBar: false });
    if (!isFirst) return;
    this.box.on("plotly_relayout", (change) => this.zoomed(change));
    this.link.begin();
  }

  weight() {
    return Math.min(0.99, Number(this.group.dataset.smoothing ?? 0));
  }

  axisTitle() {
    const titles = { step: this.words.wordStep, time: this.words.wordTime, relative: `${this.words.wordRelative}, s` };
    return titles[this.axis()];
  }

  layout(theme, traces, cut, isLog) {
    const axis = this.axis();
    const title = this.axisTitle();
    const hasNumbers = traces.some((trace) => trace.yaxis !== "y2" && trace.y.some((value) => value !== null));
    return {
      template: theme.template,
      height: this.box.clientHeight || 200,
      autosize: true,
      uirevision: [axis, isLog, cut !== null, this.turn].join(),
      showlegend: false,
      xaxis: {
        title: { text: title }, type: axis === "time" ? "date" : "linear", exponentformat: "none",
        spikesnap: "hovered data", unifiedhovertitle: { text: `${title} %{x}` },
        ...(this.view ? { range: this.view, autorange: false } : { autorange: true }),
      },
      yaxis: {
        type: isLog ? "log" : "linear", exponentformat: "power", showticklabels: hasNumbers,
        ...(cut ? { range: cut.range, autorange: false } : { autorange: true }),
      },
      ...(traces.some((trace) => trace.yaxis === "y2") ? { yaxis2: EDGE } : {}),
      margin: { t: 10, r: 12, b: 40, l: 44 },
    };
  }

  /** Say above the chart how much of the data it draws, and to who cannot see it what it shows. */
  describe(cut, isLog) {
    const drawn = this.series.reduce((sum, one) => sum + one.values.length, 0);
    const all = this.series.reduce((sum, one) => sum + one.total, 0);
    const kinds = this.series.map((one) => sorted(one.values, isLog));
    const sum = (...names) => kinds.reduce((total, kind) => total + names.reduce((n, name) => n + kind[name].length, 0), 0);
    const say = (words, n) => (n ? [filled(words, { n: count(n), all: count(all) })] : []);
    const parts = [
      ...(drawn ? [filled(this.words.wordPoints, { n: count(drawn), all: count(all) })] : [this.words.wordEmpty]),
      ...say(this.words.wordOdd, sum("nan", "up", "down")),
      ...say(this.words.wordBeneath, sum("beneath")),
      ...(drawn && !sum("drawn") ? [this.words.wordNothing] : []),
      ...say(this.words.wordOutside, cut?.outside ?? 0),
    ];
    this.note(parts.join(" · "));
    const x = { step: this.words.wordStep, time: this.words.wordTime, relative: this.words.wordRelative }[this.axis()];
    const told = this.series.slice(0, MOST_TOLD).map((one) => this.summary(one)).join(" ");
    const runs = this.series.length > MOST_TOLD ? `${told} +${this.series.length - MOST_TOLD}` : told;
    this.box.setAttribute("aria-label", `${filled(this.words.wordSummary, { title: this.words.title, x, runs })} ${parts.join(", ")}`);
  }

  summary(one) {
    const known = one.values.filter(Number.isFinite);
    const [low, high] = known.length ? extent(known) : [null, null];
    return filled(this.words.wordRun, { name: one.name, last: short(one.values.at(-1)), low: short(low), high: short(high) });
  }

  note(text) {
    const note = this.figure.querySelector("[data-plot-note]");
    if (note.textContent !== text) note.textContent = note.title = text;
  }

  /** Name the lines in HTML: it wraps, copies and reads aloud, which Plotly's own legend does not. */
  fillLegend() {
    const items = this.series.length < 2 ? [] : this.series.map((one) => {
      const item = document.createElement("li");
      item.append(swatch(one.run_id), one.name);
      return item;
    });
    this.figure.querySelector("[data-plot-legend]").replaceChildren(...items);
  }

  // ---- What else can be done with it --------------------------------------------------------------------------------

  /** Show all values at one place, here and in the other charts, and read them aloud. */
  async show(x) {
    await this.awaken();
    this.link.show(x);
    this.link.tell(x);
    if (x === null) return;
    const place = { step: `${this.words.wordStep} ${count(x)}`, time: new Date(x).toISOString(), relative: `${short(x)} s` }[this.axis()];
    const values = this.series.flatMap((one) => {
      const at = one.x.indexOf(x);
      return at < 0 ? [] : [this.series.length > 1 ? `${one.name} ${short(one.values[at])}` : short(one.values[at])];
    });
    this.figure.querySelector("[data-plot-said]").textContent = `${place}: ${values.join("; ")}`;
  }

  async save(format) {
    if (format === "csv") return saveTable(this.series, this.words.title);
    await this.awaken();
    if (this.isPlot()) savePicture(this.box, format, this.words.title);
  }

  toggleTable(button) {
    this.values.hidden = !this.values.hidden;
    this.box.hidden = !this.values.hidden;
    button.setAttribute("aria-pressed", !this.values.hidden);
    this.draw();
  }
}

/** Plotly writes a moment of a date axis as UTC without saying so. */
function moment(text) {
  return typeof text === "number" ? text : Date.parse(`${String(text).replace(" ", "T")}${String(text).includes(":") ? "" : "T00:00"}Z`);
}

export function mount(figure) {
  const chart = new MetricChart(figure);
  chart.start();
  return () => chart.stop();
}
