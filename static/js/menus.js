// Puts a popover menu beside its button and gives it arrow keys. Opening and closing is the browser's own.

function place(menu, button) {
  const gap = 4;
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + gap + height <= innerHeight;
  menu.style.top = `${below ? at.bottom + gap : Math.max(gap, at.top - gap - height)}px`;
  menu.style.left = `${Math.max(gap, Math.min(at.left, innerWidth - width - gap))}px`;
}

function move(menu, step) {
  const items = [...menu.querySelectorAll("a[href], button")];
  const here = items.indexOf(document.activeElement);
  items[(here + step + items.length) % items.length]?.focus();
}

export function mount() {
  document.addEventListener(
    "toggle",
    (event) => {
      const menu = event.target;
      if (!menu.matches?.(".menu") || event.newState !== "open") return;
      place(menu, document.querySelector(`[popovertarget="${menu.id}"]`));
      menu.querySelector("a[href], button")?.focus();
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".menu");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || !step) return;
    event.preventDefault();
    move(menu, step);
  });
}
