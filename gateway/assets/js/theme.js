// @ts-check
// Classic script on purpose: it runs before the first paint, so that a chosen theme never flashes.
(() => {
  try {
    const theme = localStorage.getItem("firstlight.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    const language = localStorage.getItem("firstlight.language");
    if (language) document.documentElement.lang = language;
  } catch {
    // Storage may be refused; the system's theme then applies.
  }
})();
