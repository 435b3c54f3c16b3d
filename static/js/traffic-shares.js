// Shares of the traffic: a slider and its number say the same, and two revisions always make up 100 together.

export function mount(form) {
  const rows = [...form.querySelectorAll("[data-share]")].map((row) => ({
    range: row.querySelector("input[type=range]"),
    number: row.querySelector("input[type=number]"),
  }));
  const total = form.querySelector("[data-share-total]");

  const put = (row, value) => {
    row.range.value = row.number.value = Math.min(100, Math.max(0, Math.round(Number(value) || 0)));
    row.range.style.setProperty("--at", `${row.range.value}%`);
  };
  const tell = () => {
    const sum = rows.reduce((all, row) => all + Number(row.number.value), 0);
    if (total) total.textContent = sum === 100 ? "" : form.dataset.wordTotal.replace("{n}", sum);
  };
  const changed = (row, value) => {
    put(row, value);
    if (rows.length === 2) put(rows.find((other) => other !== row), 100 - Number(row.range.value));
    tell();
  };
  for (const row of rows) {
    row.range.addEventListener("input", () => changed(row, row.range.value));
    row.number.addEventListener("change", () => changed(row, row.number.value));
  }
}
