// Files dropped on the tree go into the upload dialog, with the folder they were dropped on.

export function mount(pane) {
  const dialog = document.getElementById(pane.dataset.dialog);
  const form = dialog?.querySelector("form");
  if (!form) return;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

  pane.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    pane.classList.add("is-target");
  });
  for (const end of ["dragleave", "drop"]) pane.addEventListener(end, () => pane.classList.remove("is-target"));
  pane.addEventListener("drop", (event) => {
    if (!hasFiles(event) || !event.dataTransfer.files.length) return;
    event.preventDefault();
    form.elements.files.files = event.dataTransfer.files;
    const row = event.target.closest("li");
    const folder = row?.hasAttribute("aria-expanded") ? row : row?.parentElement.closest("li");
    if (folder) form.elements.folder.value = folder.querySelector(":scope > a").dataset.path ?? "";
    dialog.showModal();
    form.querySelector("[type=submit]").focus();
  });
}
