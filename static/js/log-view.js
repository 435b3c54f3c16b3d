// A log that grows: asks data-url?offset=N each second for {"text", "offset", "final"} and appends what is new.
// It follows the end until the reader scrolls up, and never moves what is being read.

const EVERY_MS = 1000;
const SLOWEST_MS = 15_000;
const BOTTOM_PX = 8;
// The page keeps so many lines; the whole log is a click away. A piece this long means that more is waiting.
const KEPT_LINES = 20_000;
const FULL_PIECE = 200_000;
const LEVELS = [
  [/\b(ERROR|CRITICAL|Traceback|\w+Error:|\w+Exception:)/, "is-bad"],
  [/\b(WARN|WARNING|\w+Warning:)/, "is-warn"],
];

function lineOf(text) {
  const line = document.createElement("span");
  line.className = "log-text";
  line.textContent = `${text}\n`;
  const level = LEVELS.find(([pattern]) => pattern.test(text));
  if (level) line.classList.add(level[1]);
  return line;
}

/** Progress bars write a line over and over with "\\r": the last writing is the line. */
function shown(text) {
  return text.slice(text.lastIndexOf("\r", text.length - 2) + 1);
}

class LogView {
  constructor(root) {
    this.root = root;
    this.lines = root.querySelector("[data-log-lines]");
    this.state = root.querySelector("[data-log-state]");
    this.follow = root.querySelector("[data-log-follow]");
    this.find = root.querySelector("[data-log-find]");
    this.offset = 0;
    this.rest = "";
    this.count = 0;
    this.wait = EVERY_MS;
    this.ended = false;
  }

  start() {
    const { root, lines, follow, find } = this;
    lines.addEventListener("scroll", () => this.scrolled(), { passive: true });
    follow.addEventListener("change", () => this.say(follow.checked && this.toEnd()));
    find.addEventListener("input", () => this.search());
    root.querySelector("[data-log-wrap]").addEventListener("change", (event) => root.classList.toggle("no-wrap", !event.target.checked));
    this.poll();
  }

  stop() {
    clearTimeout(this.timer);
    this.ended = true;
  }

  async poll() {
    try {
      const url = new URL(this.root.dataset.url, location.href);
      url.searchParams.set("offset", this.offset);
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      this.wait = EVERY_MS;
      this.take(await answer.json());
    } catch {
      this.wait = Math.min(SLOWEST_MS, this.wait * 2);
      this.lost = true;
      this.say();
    }
    if (!this.ended) this.timer = setTimeout(() => this.poll(), document.hidden ? SLOWEST_MS : this.wait);
  }

  take({ text, offset, final }) {
    this.lost = false;
    this.offset = offset;
    this.ended = Boolean(final) && !text;
    this.append(text, this.ended);
    this.say();
    if (text && (final || text.length >= FULL_PIECE)) this.wait = 0;
  }

  append(text, flush) {
    const parts = (this.rest + text).split("\n");
    this.rest = flush ? "" : parts.pop();
    if (flush && parts.at(-1) === "") parts.pop();
    if (!parts.length) return;
    const piece = document.createDocumentFragment();
    for (const part of parts.slice(-KEPT_LINES)) piece.append(lineOf(shown(part)));
    this.lines.append(piece);
    this.forget();
    this.count += parts.length;
    this.root.querySelector("[data-log-count]").textContent = this.count.toLocaleString();
    if (this.find.value) this.search();
    if (this.follow.checked) this.toEnd();
  }

  /** Drops the oldest lines of a long log, unless the reader has scrolled up to them. */
  forget() {
    const over = this.lines.childElementCount - KEPT_LINES;
    if (over <= 0 || (!this.follow.checked && over < KEPT_LINES)) return;
    const range = document.createRange();
    range.setStartBefore(this.lines.firstElementChild);
    range.setEndAfter(this.lines.children[over - 1]);
    range.deleteContents();
  }

  toEnd() {
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  scrolled() {
    const away = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight > BOTTOM_PX;
    if (away === !this.follow.checked) return;
    this.follow.checked = !away;
    this.say();
  }

  search() {
    const wanted = this.find.value.toLowerCase();
    const hits = [];
    for (const line of this.lines.children) {
      const hit = Boolean(wanted) && line.textContent.toLowerCase().includes(wanted);
      line.classList.toggle("is-hit", hit);
      if (hit) hits.push(line);
    }
    this.root.querySelector("[data-log-hits]").textContent = wanted ? hits.length : "";
    if (!hits.length) return;
    this.follow.checked = false;
    hits.at(-1).scrollIntoView({ block: "nearest" });
  }

  say() {
    const words = this.state.dataset;
    const empty = this.count === 0 && !this.rest;
    const word = this.lost ? "lost" : this.ended ? (empty ? "empty" : "ended") : this.follow.checked ? "following" : "paused";
    if (this.state.textContent !== words[word]) this.state.textContent = words[word];
  }
}

export function mount(root) {
  const view = new LogView(root);
  view.start();
  return () => view.stop();
}
