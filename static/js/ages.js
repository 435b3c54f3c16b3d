// Keeps <time data-age> young ("12 s ago") in the page's words, and says the exact time in the reader's zone too.

const UNITS = [
  [60, 1, "Seconds"],
  [3600, 60, "Minutes"],
  [86_400, 3600, "Hours"],
  [2_592_000, 86_400, "Days"],
];

function age(seconds) {
  for (const [limit, size, unit] of UNITS) {
    if (seconds < limit) return document.body.dataset[`word${unit}`].replace("{n}", Math.floor(seconds / size));
  }
  return null;
}

function refresh(exact) {
  for (const element of document.querySelectorAll("time[data-age]")) {
    const then = new Date(element.dateTime);
    const seconds = (Date.now() - then) / 1000;
    const text = seconds < 5 ? null : age(seconds);
    if (text && text !== element.textContent) element.textContent = text;
    if (element.dataset.zoned) continue;
    element.dataset.zoned = "yes";
    element.title += `\n${exact.format(then)}`;
  }
}

export function mount() {
  const language = document.documentElement.lang || "en";
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" }); // costs more than a page of ages
  refresh(exact);
  document.addEventListener("htmx:load", () => refresh(exact));
  setInterval(() => refresh(exact), 10_000);
}
