// Sections of charts: which are folded stands in the address.

const FOLDED = ["system"];

export function mount(root) {
  root.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.matches(".plots-section")) return;
      const sections = [...root.querySelectorAll(".plots-section")];
      const folded = sections.filter((one) => !one.open).map((one) => one.dataset.section);
      const usual = sections.map((one) => one.dataset.section).filter((name) => FOLDED.includes(name));
      keep(folded, usual);
    },
    true,
  );
}

function keep(folded, usual) {
  const address = new URL(location.href);
  address.searchParams.delete("fold");
  if (folded.join("\n") !== usual.join("\n")) for (const name of folded.length ? folded : ["-"]) address.searchParams.append("fold", name);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
