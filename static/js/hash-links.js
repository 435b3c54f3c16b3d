// MLflow's client prints links into its own pages: /#/experiments/1/runs/abc. The server never sees what follows "#",
// so this sends the reader on: to the same thing's page here. On the sign-in page it keeps the fragment in `next`.

const ROUTES = [
  [/^#\/experiments\/(\d+)\/runs\/(\w+)/, (match) => `runs/${match[2]}/`],
  [/^#\/experiments\/(\d+)\/models\/([\w-]+)/, (match) => `logged-models/${match[2]}/`],
  [/^#\/experiments\/(\d+)/, (match) => `experiments/${match[1]}/`],
  [/^#\/models\/([^/]+)\/versions\/(\d+)/, (match) => `models/${match[1]}/versions/${match[2]}/`],
  [/^#\/models\/([^/?]+)/, (match) => `models/${match[1]}/`],
  [/^#\/models\/?$/, () => "models/"],
  [/^#\/experiments\/?$/, () => "experiments/"],
];

function pathFor(hash) {
  for (const [pattern, path] of ROUTES) {
    const match = hash.match(pattern);
    if (match) return path(match);
  }
  return null;
}

export function mount(element) {
  const go = () => {
    const path = pathFor(location.hash);
    if (path) location.replace(element.dataset.root + path);
  };
  if (element.matches("form")) {
    const next = element.querySelector("[name=next]");
    if (pathFor(location.hash) && next) next.value += location.hash;
    return;
  }
  addEventListener("hashchange", go);
  go();
}
