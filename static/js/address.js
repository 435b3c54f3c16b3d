// What a page's scripts change (ticks, opened rows, lines, widths) stands in the address at once, by the event
// "address:keep" {name, values}; it goes along with every link and form that stays on the page. A sorted column keeps the focus.

const OWN = ["tick", "open", "draw", "hide", "width"];
const FOCUS = "table:focus";

function take(params) {
  const own = new URLSearchParams(location.search);
  for (const name of OWN) {
    params.delete(name);
    for (const value of own.getAll(name)) params.append(name, value);
  }
}

function keep({ detail }) {
  const address = new URL(location.href);
  address.searchParams.delete(detail.name);
  for (const value of detail.values) address.searchParams.append(detail.name, value);
  history.replaceState(history.state, "", address);
}

function follow(event) {
  const link = event.target.closest("a[href]");
  if (!link || link.pathname !== location.pathname || link.hash || link.closest(".menu, .nav")) return;
  const params = new URLSearchParams(link.search);
  take(params);
  link.search = params;
  const head = link.closest("[data-column]");
  if (head) sessionStorage.setItem(FOCUS, head.dataset.column);
}

function send(event) {
  const form = event.target;
  if (form.method === "get" && new URL(form.action).pathname === location.pathname) take(event.formData);
}

export function mount(element) {
  document.addEventListener("address:keep", keep);
  document.addEventListener("click", follow, true);
  document.addEventListener("formdata", send);
  const name = sessionStorage.getItem(FOCUS);
  sessionStorage.removeItem(FOCUS);
  if (name) [...element.querySelectorAll("[data-column]")].find((head) => head.dataset.column === name)?.querySelector(".sort").focus();
  return () => {
    document.removeEventListener("address:keep", keep);
    document.removeEventListener("click", follow, true);
    document.removeEventListener("formdata", send);
  };
}
