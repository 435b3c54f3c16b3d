// Makes a nested list of links a tree: one Tab stop, arrows move, right opens, left closes. Without script it is a list.

function upgrade(root) {
  root.setAttribute("role", "tree");
  for (const list of root.querySelectorAll("ul")) list.setAttribute("role", "group");
  for (const item of root.querySelectorAll("li")) {
    const link = item.querySelector(":scope > a");
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-label", link.querySelector(".name").textContent);
    item.tabIndex = -1;
    link.tabIndex = -1;
    if (item.querySelector(":scope > ul")) open(item, true);
    item.setAttribute("aria-selected", link.hasAttribute("aria-current"));
    link.removeAttribute("aria-current");
  }
  (root.querySelector("[aria-selected=true]") ?? root.querySelector("li")).tabIndex = 0;
}

function open(item, isOpen) {
  item.setAttribute("aria-expanded", isOpen);
  item.querySelector(":scope > ul").hidden = !isOpen;
}

function visible(root) {
  return [...root.querySelectorAll("li")].filter((item) => item.offsetParent !== null);
}

function focus(root, item) {
  if (!item) return;
  root.querySelector("li[tabindex='0']")?.setAttribute("tabindex", "-1");
  item.tabIndex = 0;
  item.focus();
}

function select(root, item) {
  root.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  item.setAttribute("aria-selected", "true");
}

function onKey(root, event) {
  const item = event.target.closest("li");
  if (event.target !== item) return;
  const rows = visible(root);
  const at = rows.indexOf(item);
  const isFolder = item.hasAttribute("aria-expanded");
  const isOpen = item.getAttribute("aria-expanded") === "true";
  const keys = {
    ArrowDown: () => focus(root, rows[at + 1]),
    ArrowUp: () => focus(root, rows[at - 1]),
    Home: () => focus(root, rows[0]),
    End: () => focus(root, rows.at(-1)),
    ArrowRight: () => isFolder && (isOpen ? focus(root, rows[at + 1]) : open(item, true)),
    ArrowLeft: () => (isFolder && isOpen ? open(item, false) : focus(root, item.parentElement.closest("li"))),
    Enter: () => item.querySelector(":scope > a").click(),
    " ": () => item.querySelector(":scope > a").click(),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}

function filter(root, wanted) {
  const words = wanted.toLowerCase();
  for (const item of [...root.querySelectorAll("li")].reverse()) {
    const below = [...item.querySelectorAll(":scope > ul > li")].some((one) => !one.hidden);
    item.hidden = !below && !item.getAttribute("aria-label").toLowerCase().includes(words);
  }
}

export function mount(root) {
  upgrade(root);
  root.addEventListener("keydown", (event) => onKey(root, event));
  root.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    if (event.target.closest(".twist") && item.hasAttribute("aria-expanded")) {
      event.preventDefault();
      event.stopPropagation();
      open(item, item.getAttribute("aria-expanded") !== "true");
      return;
    }
    select(root, item);
    focus(root, item);
  }, true);
  const find = document.querySelector(`[data-tree-find="${root.id}"]`);
  find?.addEventListener("input", () => filter(root, find.value));
}
