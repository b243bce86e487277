// The theme button of pages without tables.
(function () {
  "use strict";
  const button = document.getElementById("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  function tell() {
    button.textContent = now() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", "Switch to " + button.textContent.toLowerCase() + " mode");
  }
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch (error) { /* not kept */ }
    document.dispatchEvent(new Event("theme"));
    tell();
  });
  dark.addEventListener("change", () => { document.dispatchEvent(new Event("theme")); tell(); });
  tell();
})();
