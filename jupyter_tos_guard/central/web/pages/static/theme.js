// Chooses light or dark before anything is drawn; the choice is shared with the Hub's own pages.
(() => {
  "use strict";
  const KEY = "jupyterhub-bs-theme";
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // storage may be switched off: the system's preference holds
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  root.classList.add("script");
})();
