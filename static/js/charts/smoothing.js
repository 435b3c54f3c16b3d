// The time-weighted exponential moving average. A point that lies `d` behind counts weight^(d / unit) as much as the
// newest; the average is over all points so far:
//
//     s(i) = Σ y(j) · w^((x(i) − x(j)) / unit)  ÷  Σ w^((x(i) − x(j)) / unit),   j ≤ i, y(j) finite
//
// Evenly spaced points one unit apart give the well-known average, corrected for its start; others count by their
// distance, so that a run that logs ten times as often is not smoothed ten times less.

/** Smooth `y` over `x`, both of one length; where y is not finite there is a gap (null), and x goes on. */
export function smoothed(x, y, weight, unit) {
  let sum = 0;
  let mass = 0;
  let before = null;
  return y.map((value, at) => {
    if (!Number.isFinite(value)) return null;
    const distance = before === null ? 0 : Math.max(0, x[at] - before) / unit;
    const kept = weight ** distance;
    sum = sum * kept + value;
    mass = mass * kept + 1;
    before = x[at];
    return sum / mass;
  });
}

/** The distance of neighbours in the densest of the lines `[x, x, …]`: all lines of a chart are smoothed over it. */
export function unitOf(lines) {
  let densest = Infinity;
  for (const x of lines) {
    if (x.length < 2) continue;
    const [low, high] = extent(x);
    if (high > low) densest = Math.min(densest, (high - low) / (x.length - 1));
  }
  return Number.isFinite(densest) ? densest : 1;
}

export function extent(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}
