// Applies the stored theme before the first paint; without one, the theme of the system applies.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("oms-inspector-theme");
  } catch {
    // Storage may be unavailable; then the theme of the system applies.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
