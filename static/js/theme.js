// Theme, folded navigation and single keys, remembered in cookies so that the server's first byte is already right.

const YEAR_S = 31_536_000;

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

export function mount() {
  const root = document.documentElement;
  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-set]");
    if (theme) {
      root.dataset.theme = theme.dataset.themeSet;
      remember("studio_theme", theme.dataset.themeSet);
      theme.closest("[popover]")?.hidePopover();
      document.dispatchEvent(new CustomEvent("studio:theme"));
    }
    if (event.target.closest("[data-nav-fold]")) {
      root.dataset.nav = root.dataset.nav === "folded" ? "" : "folded";
      remember("studio_nav", root.dataset.nav);
    }
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-set]")) return;
    root.dataset.keys = event.target.checked ? "" : "off";
    remember("studio_keys", root.dataset.keys);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("studio:theme")),
  );
}
