// Keeps <time data-age> young ("12 s ago") in the reader's language, and says the exact time in UTC and in their zone.

const UNITS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [2_592_000, 86_400, "day"],
];

function age(seconds, language) {
  for (const [limit, size, unit] of UNITS) {
    if (seconds < limit) {
      const n = Math.floor(seconds / size);
      const words = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" }).format(-n, unit);
      return words.replace(". ", " "); // "9 min. ago"
    }
  }
  return null;
}

function refresh(language) {
  for (const element of document.querySelectorAll("time[data-age]")) {
    const then = new Date(element.dateTime);
    const seconds = (Date.now() - then) / 1000;
    const text = seconds < 5 ? null : age(seconds, language);
    if (text && text !== element.textContent) element.textContent = text;
    if (element.dataset.zoned) continue;
    element.dataset.zoned = "yes";
    element.title += `\n${new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" }).format(then)}`;
  }
}

export function mount() {
  const language = document.documentElement.lang || "en";
  refresh(language);
  document.addEventListener("htmx:load", () => refresh(language));
  setInterval(() => refresh(language), 10_000);
}
