// Makes a nested list of links a tree: one Tab stop, arrows move, right opens, left closes, letters lead to a name.
// A folder that is not here yet is fetched by its list when it opens ("unfold"). Without script it is a list.

const TYPING_MS = 700;

function upgrade(root) {
  root.setAttribute("role", "tree");
  for (const list of root.querySelectorAll("ul:not([role])")) list.setAttribute("role", "group");
  for (const item of root.querySelectorAll("li:not([role])")) prepare(item);
  const first = root.querySelector("[aria-selected=true]") ?? root.querySelector("[role=treeitem]");
  if (first && !root.querySelector("[role=treeitem][tabindex='0']")) first.tabIndex = 0;
}

function prepare(item) {
  const link = item.querySelector(":scope > a");
  if (!link) return item.setAttribute("role", "none");
  item.setAttribute("role", "treeitem");
  item.setAttribute("aria-label", link.querySelector(".name").textContent);
  item.tabIndex = -1;
  link.tabIndex = -1;
  if (item.querySelector(":scope > ul")) open(item, !item.hasAttribute("data-closed"));
  item.setAttribute("aria-selected", link.hasAttribute("aria-current"));
  link.removeAttribute("aria-current");
}

function open(item, isOpen) {
  const list = item.querySelector(":scope > ul");
  item.setAttribute("aria-expanded", isOpen);
  list.hidden = !isOpen;
  if (isOpen && list.hasAttribute("hx-get")) list.dispatchEvent(new Event("unfold"));
}

function visible(root) {
  return [...root.querySelectorAll("[role=treeitem]")].filter((item) => item.offsetParent !== null);
}

function focus(root, item) {
  if (!item) return;
  for (const one of root.querySelectorAll("[role=treeitem][tabindex='0']")) one.tabIndex = -1;
  item.tabIndex = 0;
  item.focus();
}

function select(root, item) {
  root.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  item.setAttribute("aria-selected", "true");
}

/** The row of what the viewer shows, wherever the reader came from: a picture's neighbour, a folder's list. */
function selectShown(root) {
  const path = new URL(location.href).searchParams.get("path") ?? "";
  const link = [...root.querySelectorAll("a[data-path]")].find((one) => one.dataset.path === path);
  if (link) select(root, link.closest("li"));
}

function onKey(root, event) {
  const item = event.target.closest("li");
  if (event.target !== item || event.ctrlKey || event.metaKey || event.altKey) return;
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
  const act = keys[event.key] ?? (/^[\p{L}\p{N}._]$/u.test(event.key) ? () => type(root, rows, at, event.key) : null);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

const typed = { letters: "", at: 0 };

function type(root, rows, at, letter) {
  const isNew = Date.now() - typed.at > TYPING_MS;
  typed.letters = (isNew ? "" : typed.letters) + letter.toLowerCase();
  typed.at = Date.now();
  const from = typed.letters.length > 1 ? at : at + 1;
  const turned = [...rows.slice(from), ...rows.slice(0, from)];
  focus(root, turned.find((row) => row.getAttribute("aria-label").toLowerCase().startsWith(typed.letters)));
}

export function mount(root) {
  upgrade(root);
  const [box, chosen] = [root.closest(".scroll"), root.querySelector("[aria-selected=true] > a")];
  if (box && chosen) box.scrollTop = chosen.offsetTop - box.clientHeight / 2; // the pane alone: the page stays
  root.addEventListener("keydown", (event) => onKey(root, event));
  root.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item || item.getAttribute("role") !== "treeitem") return;
    if (event.target.closest(".twist") && item.hasAttribute("aria-expanded")) {
      event.preventDefault();
      event.stopPropagation();
      open(item, item.getAttribute("aria-expanded") !== "true");
      return;
    }
    if (item.querySelector(":scope > a").dataset.path === undefined) return; // "more" gives way to what it fetches
    select(root, item);
    focus(root, item);
  }, true);
  root.addEventListener("htmx:afterSwap", () => {
    const hadFocus = !document.activeElement || document.activeElement === document.body;
    const known = new Set(root.querySelectorAll("[role=treeitem]"));
    upgrade(root);
    const fresh = [...root.querySelectorAll("[role=treeitem]")].find((item) => !known.has(item));
    if (hadFocus && fresh) focus(root, fresh);
  });
  const follow = () => selectShown(root);
  document.addEventListener("htmx:pushedIntoHistory", follow);
  return () => document.removeEventListener("htmx:pushedIntoHistory", follow);
}
