// How runs and numbers look in charts; the same words as lib/format.py.

const themes = new Map();

export function themeAt(url) {
  if (!themes.has(url)) themes.set(url, fetch(url).then((answer) => answer.json()));
  return themes.get(url).then((theme) => theme[isDark() ? "dark" : "light"]);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** A run's colour, 0 to 9: the same number as lib/format.py: slot(). */
export function slotOf(runId) {
  let digest = 0x811c9dc5;
  for (const letter of runId) digest = Math.imul(digest ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return digest % 10;
}

/** A run's line, as the tables draw it. */
export function swatch(runId) {
  const box = document.createElement("span");
  box.innerHTML = `<svg width="16" height="8" viewBox="0 0 16 8" aria-hidden="true"><path class="mark s${slotOf(runId) + 1}" d="M0 4h16" stroke-width="2.25"/></svg>`;
  return box.firstChild;
}

export function short(value) {
  if (value === null || value === undefined) return "—";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value.toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "−");
}

export function count(number, options) {
  return number.toLocaleString("en", options);
}

/** Put values into a sentence: "{n} of {all}". */
export function filled(words, values) {
  return words.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
}

/** Plotly reads a little HTML in names; what people named must not be read so. */
export function escaped(text) {
  return text.replace(/[<>&]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
