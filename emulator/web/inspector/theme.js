// Before anything is drawn: the theme that was chosen, or the system's where none was.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("oms-inspector-theme");
  } catch {
    // Storage may be forbidden; then the system's theme stands.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
