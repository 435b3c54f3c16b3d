// Sends chosen files one after the other, each as it is, to the address that MLflow's clients use: any size, with the
// bytes counted. A file of a name that is there already is asked about. Without script the form sends them at once.

function row(list, name) {
  const item = document.createElement("li");
  const label = Object.assign(document.createElement("bdi"), { className: "cut", textContent: name });
  const state = Object.assign(document.createElement("span"), { className: "faint small" });
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0, ariaLabel: name });
  item.append(label, state, bar);
  list.append(item);
  return { item, state, bar };
}

function address(form, name) {
  const folder = form.elements.folder.value.split("/").map((part) => part.trim()).filter(Boolean);
  return form.dataset.put + [...folder, name].map(encodeURIComponent).join("/");
}

function put(form, file, replaces, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address(form, file.name));
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    if (!replaces) request.setRequestHeader("If-None-Match", "*");
    request.upload.addEventListener("progress", (event) => onProgress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("loadend", () => resolve(request));
    request.send(file);
  });
}

function refusal(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

/** Ask what to do about a name that is taken; the answer is whether to replace the file. */
function ask(form, line) {
  return new Promise((resolve) => {
    line.state.textContent = form.dataset.exists;
    const choices = [["replace", true], ["skip", false]].map(([word, answer]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small", textContent: form.dataset[word] });
      button.addEventListener("click", () => {
        choices.forEach((one) => one.remove());
        resolve(answer);
      });
      return button;
    });
    line.state.after(...choices);
    choices[0].focus();
  });
}

async function send(form, list, file) {
  const line = row(list, file.name);
  const show = (share) => (line.bar.value = share);
  let request = await put(form, file, form.elements.replace.checked, show);
  if (refusal(request).error_code === "RESOURCE_ALREADY_EXISTS") {
    if (!(await ask(form, line))) {
      line.state.textContent = form.dataset.skip;
      line.bar.remove();
      return false;
    }
    line.state.textContent = "";
    request = await put(form, file, true, show);
  }
  const isDone = request.status >= 200 && request.status < 300;
  line.state.textContent = isDone ? form.dataset.done : `${form.dataset.failed}: ${refusal(request).message ?? request.status}`;
  line.item.classList.add(isDone ? "is-ok" : "is-bad");
  line.bar.value = isDone ? 1 : 0;
  return isDone;
}

export function mount(form) {
  const list = form.querySelector(".uploads");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const files = [...form.elements.files.files];
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    list.replaceChildren();
    list.hidden = false;
    const done = [];
    for (const file of files) done.push(await send(form, list, file));
    button.disabled = false;
    if (done.every(Boolean)) location.reload();
    else if (done.some(Boolean)) form.closest("dialog")?.addEventListener("close", () => location.reload(), { once: true });
  });
}
