// A search field that hides the items of a list (data-list) without its words.

export function mount(field) {
  const items = [...document.getElementById(field.dataset.list).children];
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase();
    for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(words);
  });
}
