// Which values a chart can draw, which it can only mark, and how far its axis reaches.

/** What the server sends: null is NaN, an infinity is its name. */
export function number(value) {
  return value === null ? NaN : Number(value);
}

/** Sort the places of values: those on the axis, and those that are only marked at its edge. */
export function sorted(values, isLog) {
  const found = { drawn: [], nan: [], up: [], down: [], beneath: [] };
  values.forEach((value, at) => {
    if (Number.isNaN(value)) found.nan.push(at);
    else if (value === Infinity) found.up.push(at);
    else if (value === -Infinity) found.down.push(at);
    else if (isLog && value <= 0) found.beneath.push(at);
    else found.drawn.push(at);
  });
  return found;
}

/** The values of which three spreads of the middle half leave none out that matters; null where nothing is left out. */
export function fence(values, isLog) {
  const scale = isLog ? Math.log10 : (value) => value;
  const known = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0)).map(scale).sort((a, b) => a - b);
  if (known.length < 8) return null;
  const at = (share) => known[Math.round(share * (known.length - 1))];
  let [low, high] = [at(0.25), at(0.75)];
  const spread = high - low;
  [low, high] = spread > 0 ? [low - 3 * spread, high + 3 * spread] : [at(0.02), at(0.98)];
  if (!(high > low)) return null;
  const kept = known.filter((value) => value >= low && value <= high);
  const outside = known.length - kept.length;
  if (!outside) return null;
  const room = (kept.at(-1) - kept[0]) * 0.05 || 1;
  return { range: [kept[0] - room, kept.at(-1) + room], outside };
}
