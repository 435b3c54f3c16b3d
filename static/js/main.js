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
  if (root.matches?.("[data-module]")) mountOne(root);
  for (const element of root.querySelectorAll("[data-module]")) mountOne(element);
}

function endOne(element) {
  for (const end of mounted.get(element) ?? []) end();
  mounted.delete(element);
}

mountAll(document.body.parentElement);
document.addEventListener("htmx:load", (event) => mountAll(event.target));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (event.target.matches?.("[data-module]")) endOne(event.target);
});
