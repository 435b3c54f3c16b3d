// Loads what elements ask for: data-module="url url" → import(url).mount(element), on load and after each htmx swap.
// `mount` may return a function that ends it when the element leaves the page.

const mounted = new WeakMap();

async function mountOne(element) {
  if (mounted.has(element)) return;
  const ends = [];
  mounted.set(element, ends);
  for (const url of element.dataset.module.split(/\s+/).filter(Boolean)) {
    const module = await import(url);
    const end = module.mount(element);
    if (typeof end === "function") ends.push(end);
  }
}

function mountAll(root) {
  const elements = [...root.querySelectorAll("[data-module]")];
  if (root.matches?.("[data-module]")) elements.unshift(root);
  return Promise.all(elements.map(mountOne));
}

function endOne(element) {
  for (const end of mounted.get(element) ?? []) end();
  mounted.delete(element);
}

// A browser test waits for the mark: a key pressed before the modules are there is lost.
mountAll(document.documentElement).finally(() => (document.documentElement.dataset.mounted = ""));
document.addEventListener("htmx:load", (event) => mountAll(event.target));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (event.target.matches?.("[data-module]")) endOne(event.target);
});
