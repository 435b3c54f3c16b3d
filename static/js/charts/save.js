// A chart as a file.

export function savePicture(box, format, name) {
  return Plotly.downloadImage(box, { format, filename: fileName(name), width: 1200, height: 600, scale: format === "png" ? 2 : 1 });
}

/** The drawn points; what a spreadsheet would take for a formula gets a quote before it. */
export function saveTable(series, name) {
  const lines = [["run_id", "run", "step", "time", "value"]];
  for (const one of series) {
    one.steps.forEach((step, at) => lines.push([one.run_id, harmless(one.name), step, new Date(one.times[at]).toISOString(), one.values[at]]));
  }
  const text = lines.map((line) => line.map(quoted).join(",")).join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text, "\r\n"], { type: "text/csv" }));
  link.download = `${fileName(name)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function fileName(name) {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
}

function harmless(text) {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
