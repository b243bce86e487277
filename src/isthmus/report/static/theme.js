// Applies the kept choice of light or dark before anything is painted.
try {
  const kept = localStorage.getItem("theme");
  if (kept) document.documentElement.dataset.theme = kept;
} catch (error) { /* the browser keeps nothing here; its own preference stands */ }
