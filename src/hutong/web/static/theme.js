// Runs before the first paint so that a dark page never flashes white.
(function () {
  var kept = null;
  try { kept = localStorage.getItem("hutong-theme"); } catch (error) { kept = null; }
  var dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
