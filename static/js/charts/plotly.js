// Plotly is 4.5 MB to read and run: a page fetches it, once, when its first chart is about to be drawn.

let coming = null;

export function plotly(url) {
  coming ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      coming = null;
      reject(new Error(url));
    });
    document.head.append(script);
  });
  return coming;
}
