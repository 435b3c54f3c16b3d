// A picture: fitted into the viewer, or larger, with buttons and keys; arrows lead to its neighbours in the folder.

const STEP = 1.25;
const [LEAST, MOST] = [0.05, 16];

export function mount(gallery) {
  const image = gallery.querySelector("img");
  const canvas = gallery.querySelector(".canvas");
  let zoom = 0; // 0: as large as the viewer allows, and no larger than it is

  const apply = () => {
    canvas.classList.toggle("is-zoomed", zoom > 0);
    image.style.width = zoom ? `${Math.round(image.naturalWidth * zoom)}px` : "";
    image.style.height = zoom ? "auto" : "";
  };
  const now = () => zoom || image.clientWidth / (image.naturalWidth || image.clientWidth || 1);
  const set = (value) => {
    zoom = value && Math.min(MOST, Math.max(LEAST, value));
    apply();
  };
  const acts = {
    "+": () => set(now() * STEP),
    "=": () => set(now() * STEP),
    "-": () => set(now() / STEP),
    0: () => set(0),
    1: () => set(1),
    ArrowLeft: () => gallery.querySelector("[data-previous]")?.click(),
    ArrowRight: () => gallery.querySelector("[data-following]")?.click(),
  };

  // Arrows move within a large picture, and lead on from one that is wholly seen.
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [role=tree], [role=separator], dialog")) return;
    if (event.key.startsWith("Arrow") && zoom && canvas?.contains(event.target)) return;
    if (!image && !event.key.startsWith("Arrow")) return;
    if (!acts[event.key] || document.documentElement.dataset.keys === "off") return;
    event.preventDefault();
    acts[event.key]();
  };
  document.addEventListener("keydown", onKey);

  if (image) {
    gallery.querySelector("[data-zoom]").hidden = false;
    gallery.querySelector("[data-in]").addEventListener("click", acts["+"]);
    gallery.querySelector("[data-out]").addEventListener("click", acts["-"]);
    gallery.querySelector("[data-fit]").addEventListener("click", acts[0]);
    gallery.querySelector("[data-full]").addEventListener("click", acts[1]);
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      set(now() * (event.deltaY < 0 ? STEP : 1 / STEP));
    }, { passive: false });
    image.addEventListener("dblclick", () => set(zoom ? 0 : 1));
  }
  return () => document.removeEventListener("keydown", onKey);
}
