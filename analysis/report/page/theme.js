// Light, dark, or as the reader's system is: a button goes through the three, and the choice is remembered.
const THEMES = ["auto", "light", "dark"];
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const onTheme = [];

let theme = "auto";
try {
  theme = localStorage.getItem("collapsar-theme") ?? theme;
} catch {} // a page within another one may have no storage

const isDark = () => theme === "dark" || (theme === "auto" && systemIsDark.matches);

function applyTheme() {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.classList.toggle("dark", isDark()); // DataTables goes by this class
  themeButton.textContent = `Theme: ${theme}`;
  for (const react of onTheme) react();
}

const themeButton = document.getElementById("theme");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  try {
    localStorage.setItem("collapsar-theme", theme);
  } catch {}
  applyTheme();
});
systemIsDark.addEventListener("change", applyTheme);
applyTheme();
