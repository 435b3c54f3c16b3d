// A search field that hides what of a list or table (data-list) has not its words in it, also after it was refreshed.

export function mount(field) {
  const list = document.getElementById(field.dataset.list);
  const find = () => {
    const words = field.value.toLowerCase();
    for (const item of list.querySelectorAll(":scope > li, tbody > tr")) item.hidden = !item.textContent.toLowerCase().includes(words);
  };
  field.addEventListener("input", find);
  list.addEventListener("htmx:load", find);
  document.addEventListener("htmx:oobAfterSwap", find);
  return () => document.removeEventListener("htmx:oobAfterSwap", find);
}
