// What one chart shows under the pointer or the arrow keys, all charts of its group show.

export class Link {
  constructor(group, box) {
    this.group = group;
    this.box = box;
    this.follow = (event) => event.detail.from !== box && this.show(event.detail.x);
    group?.addEventListener("charts:hover", this.follow);
  }

  /** Listen to Plotly, once it has drawn. */
  begin() {
    this.box.on("plotly_hover", (event) => this.tell(event.xvals?.[0]));
    this.box.on("plotly_unhover", () => this.tell(null));
  }

  tell(x) {
    this.group?.dispatchEvent(new CustomEvent("charts:hover", { detail: { from: this.box, x } }));
  }

  /** Show the values at x; it does not come back as an event, for Plotly tells only what a pointer did. */
  show(x) {
    if (!this.box.data || !this.box.offsetParent || !isSeen(this.box)) return;
    cancelAnimationFrame(this.asked);
    this.asked = requestAnimationFrame(() => {
      if (x === null || x === undefined || !isWithin(this.box, x)) Plotly.Fx.unhover(this.box);
      else Plotly.Fx.hover(this.box, { xval: x }, subplots(this.box));
    });
  }

  end() {
    cancelAnimationFrame(this.asked);
    this.group?.removeEventListener("charts:hover", this.follow);
  }
}

function isWithin(box, x) {
  const axis = box._fullLayout?.xaxis;
  if (!axis) return false;
  const [low, high] = axis.range.map((end) => axis.r2c(end));
  return x >= low && x <= high;
}

function isSeen(box) {
  const { top, bottom } = box.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

function subplots(box) {
  return box.data.some((trace) => trace.yaxis === "y2") ? ["xy", "xy2"] : ["xy"];
}
