// The theme that was chosen here is set before anything is drawn.
"use strict";
try {
  const theme = localStorage.getItem("drayhorse-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the system's theme it is */ }
