// The chosen theme, before anything is drawn: modules come too late for that. As `settings.ts` keeps it.
try {
  const { theme } = JSON.parse(localStorage.getItem("orchestra-panel"));
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Nothing was chosen, or the browser forbids to store anything.
}
