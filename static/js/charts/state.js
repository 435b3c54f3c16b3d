// What of the charts stands in the address: a link shows the same picture.

export function kept(name) {
  return new URLSearchParams(location.search).get(name);
}

export function keep(name, value) {
  const address = new URL(location.href);
  if (value === null || value === "") address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  history.replaceState(history.state, "", address);
}

/** Zooms by chart: zoom=<metric>~<low>~<high>, once a chart. */
export function keptZoom(key) {
  for (const text of new URLSearchParams(location.search).getAll("zoom")) {
    const [high, low, ...name] = text.split("~").reverse();
    if (name.reverse().join("~") === key && Number(low) < Number(high)) return [Number(low), Number(high)];
  }
  return null;
}

export function keepZoom(key, range) {
  const address = new URL(location.href);
  const others = address.searchParams.getAll("zoom").filter((text) => text.split("~").slice(0, -2).join("~") !== key);
  address.searchParams.delete("zoom");
  for (const text of others) address.searchParams.append("zoom", text);
  if (range) address.searchParams.append("zoom", `${key}~${range[0]}~${range[1]}`);
  history.replaceState(history.state, "", address);
}
