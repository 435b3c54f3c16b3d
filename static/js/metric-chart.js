// One metric of one run or several, drawn by Plotly from data-url:
//   {"key": "loss", "series": [{"run_id", "name", "running", "steps": [], "times": [], "values": [], "total"}]}
// The server samples; a zoom asks again for its range. New points of a running run arrive without touching the zoom.

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000;
const TABLE_ROWS = 500;
const themes = new Map();

function themeAt(url) {
  if (!themes.has(url)) themes.set(url, fetch(url).then((answer) => answer.json()));
  return themes.get(url);
}

/** The same number as lib/format.py: slot(). */
function slotOf(runId) {
  let digest = 0x811c9dc5;
  for (const letter of runId) digest = Math.imul(digest ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return digest % 10;
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Exponential moving average, corrected for its start; gaps (NaN) stay gaps. */
function smoothed(values, weight) {
  let last = 0;
  let seen = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return null;
    last = last * weight + (1 - weight) * value;
    seen += 1;
    return last / (1 - weight ** seen);
  });
}

function finite(value) {
  const number = value === null ? NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}

function short(value) {
  if (value === null || value === undefined) return "—";
  return Number(value).toLocaleString(undefined, { maximumSignificantDigits: 4 }).replace("-", "−");
}

function filled(words, values) {
  return words.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
}

class MetricChart {
  constructor(figure) {
    this.figure = figure;
    this.group = figure.closest("[data-charts]");
    this.box = figure.querySelector("[data-plot-box]");
    this.values = figure.querySelector("[data-plot-values]");
    this.words = figure.dataset;
    this.series = [];
    this.range = null;
    this.log = false;
    this.wait = EVERY_MS;
  }

  start() {
    const { figure } = this;
    this.redraw = () => this.drawn && this.draw();
    this.group?.addEventListener("charts:options", this.redraw);
    document.addEventListener("studio:theme", this.redraw);
    figure.querySelector("[data-plot-log]").addEventListener("click", (event) => {
      this.log = !this.log;
      event.currentTarget.setAttribute("aria-pressed", this.log);
      this.draw();
    });
    figure.querySelector("[data-plot-table]").addEventListener("click", (event) => this.toggleTable(event.currentTarget));
    figure.querySelector("[data-plot-full]").addEventListener("click", () =>
      document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen(),
    );
    this.seen = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible && !this.drawn && !this.loading) this.load();
    }, { rootMargin: "200px" });
    this.seen.observe(figure);
    this.sized = new ResizeObserver(() => this.drawn && !this.box.hidden && Plotly.Plots.resize(this.box));
    this.sized.observe(this.box);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.seen.disconnect();
    this.sized.disconnect();
    this.group?.removeEventListener("charts:options", this.redraw);
    document.removeEventListener("studio:theme", this.redraw);
    if (this.drawn) Plotly.purge(this.box);
  }

  async load() {
    clearTimeout(this.timer);
    this.loading = true;
    try {
      const url = new URL(this.words.url, location.href);
      if (this.range) {
        url.searchParams.set("start_step", Math.floor(this.range[0]));
        url.searchParams.set("end_step", Math.ceil(this.range[1]));
      }
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      this.series = (await answer.json()).series.map((one) => ({ ...one, values: one.values.map(finite) }));
      this.wait = EVERY_MS;
      if (!this.stopped) await this.draw();
    } catch (error) {
      this.wait = Math.min(SLOWEST_MS, this.wait * 2);
      this.note(this.words.wordLost);
      console.warn(error);
    }
    this.loading = false;
    if (!this.stopped && (this.isLive() || this.wait > EVERY_MS)) this.timer = setTimeout(() => this.again(), this.wait);
  }

  again() {
    if (document.hidden || !this.visible) this.timer = setTimeout(() => this.again(), EVERY_MS);
    else this.load();
  }

  isLive() {
    return this.words.live !== undefined && this.series.some((one) => one.running !== false);
  }

  axis() {
    return this.group?.dataset.x ?? "step";
  }

  xOf(one) {
    if (this.axis() === "time") return one.times.map((ms) => new Date(ms).toISOString());
    if (this.axis() === "relative") return one.times.map((ms) => (ms - one.times[0]) / 1000);
    return one.steps;
  }

  async draw() {
    const theme = (await themeAt(this.words.themeUrl))[isDark() ? "dark" : "light"];
    const weight = Math.min(0.99, Number(this.group?.dataset.smoothing ?? 0));
    const traces = this.series.flatMap((one) => this.tracesOf(one, theme.slots[slotOf(one.run_id)], weight));
    await Plotly.react(this.box, traces, this.layout(theme), { displaylogo: false, displayModeBar: false });
    if (!this.drawn) this.box.on("plotly_relayout", (change) => this.zoomed(change));
    this.drawn = true;
    this.describe();
    this.fillLegend();
    if (!this.values.hidden) this.fillTable();
  }

  tracesOf(one, look, weight) {
    const x = this.xOf(one);
    const base = {
      x, type: "scatter", mode: x.length === 1 ? "markers" : "lines", name: escaped(one.name), connectgaps: false,
      line: { color: look.color, dash: look.dash, width: 1.75 },
      marker: { color: look.color, symbol: look.symbol, size: 7 },
      hovertemplate: `%{y:.4~g}<extra>${escaped(one.name)}</extra>`,
    };
    if (!weight) return [{ ...base, y: one.values }];
    const raw = { ...base, y: one.values, opacity: 0.25, hoverinfo: "skip", hovertemplate: undefined, showlegend: false };
    return [raw, { ...base, y: smoothed(one.values, weight) }];
  }

  layout(theme) {
    const words = { step: this.words.wordStep, time: this.words.wordTime, relative: `${this.words.wordRelative}, s` };
    return {
      template: theme.template,
      height: this.box.clientHeight || 200,
      autosize: true,
      uirevision: `${this.axis()}`,
      showlegend: false,
      xaxis: { title: { text: words[this.axis()] }, type: this.axis() === "time" ? "date" : "linear" },
      yaxis: { type: this.log ? "log" : "linear", exponentformat: "power" },
      margin: { t: 8, r: 12, b: 40, l: 44 },
    };
  }

  zoomed(change) {
    if (this.axis() !== "step") return;
    const range = change["xaxis.range[0]"] === undefined ? null : [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    const isReset = change["xaxis.autorange"] === true;
    if (!range && !isReset) return;
    this.range = range;
    this.load();
  }

  describe() {
    const drawn = this.series.reduce((sum, one) => sum + one.values.length, 0);
    const all = this.series.reduce((sum, one) => sum + (one.total ?? one.values.length), 0);
    this.note(all ? filled(this.words.wordPoints, { n: drawn.toLocaleString(), all: all.toLocaleString() }) : this.words.wordEmpty);
    const x = { step: this.words.wordStep, time: this.words.wordTime, relative: this.words.wordRelative }[this.axis()];
    const runs = this.series.map((one) => this.summary(one)).join(" ");
    this.box.setAttribute("aria-label", filled(this.words.wordSummary, { title: this.words.title, x, runs }));
  }

  /** Names the lines in HTML: it wraps, copies and reads aloud, which Plotly's own legend does not. */
  fillLegend() {
    const items = this.series.length < 2 ? [] : this.series.map((one) => {
      const item = document.createElement("li");
      item.innerHTML = `<svg width="16" height="8" viewBox="0 0 16 8" aria-hidden="true"><path class="mark s${slotOf(one.run_id) + 1}" d="M0 4h16" stroke-width="2.25"/></svg>`;
      item.append(one.name);
      return item;
    });
    this.figure.querySelector("[data-plot-legend]").replaceChildren(...items);
  }

  summary(one) {
    const known = one.values.filter((value) => value !== null);
    const low = known.reduce((a, b) => Math.min(a, b), Infinity);
    const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
    return filled(this.words.wordRun, { name: one.name, last: short(known.at(-1)), low: short(known.length ? low : null), high: short(known.length ? high : null) });
  }

  note(text) {
    const note = this.figure.querySelector("[data-plot-note]");
    if (note.textContent !== text) note.textContent = text;
  }

  toggleTable(button) {
    this.values.hidden = !this.values.hidden;
    this.box.hidden = !this.values.hidden;
    button.setAttribute("aria-pressed", !this.values.hidden);
    if (!this.values.hidden) this.fillTable();
    else this.draw();
  }

  fillTable() {
    const steps = [...new Set(this.series.flatMap((one) => one.steps))].sort((a, b) => a - b).slice(0, TABLE_ROWS);
    const columns = this.series.map((one) => new Map(one.steps.map((step, at) => [step, one.values[at]])));
    const table = document.createElement("table");
    table.className = "table";
    const head = table.createTHead().insertRow();
    for (const text of [this.words.wordStep, ...this.series.map((one) => one.name)]) {
      head.append(Object.assign(document.createElement("th"), { scope: "col", className: "num", textContent: text }));
    }
    const body = table.createTBody();
    for (const step of steps) {
      const row = body.insertRow();
      row.append(Object.assign(document.createElement("th"), { scope: "row", className: "num", textContent: step.toLocaleString() }));
      for (const column of columns) Object.assign(row.insertCell(), { className: "num", textContent: short(column.get(step)) });
    }
    this.values.replaceChildren(table);
  }
}

/** Plotly reads a little HTML in names; a run's name must not be read so. */
function escaped(text) {
  return text.replace(/[<>&]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

export function mount(figure) {
  const chart = new MetricChart(figure);
  chart.start();
  return () => chart.stop();
}
