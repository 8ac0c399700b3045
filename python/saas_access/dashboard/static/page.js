// Shared by every page: palette, panel, copy, theme. Each page is complete without it.
const palette = document.getElementById("palette");
const input = palette.querySelector("input");
const list = document.getElementById("palette-list");
let asked = 0;

function openPalette() {
  if (!palette.open) palette.showModal();
  input.select();
  find(); // before anything is typed: what can be done
}

async function find() {
  const number = ++asked;
  const q = input.value.trim();
  const answer = await fetch(`${input.form.action}?part=1&q=${encodeURIComponent(q)}`);
  const html = answer.ok ? await answer.text() : "";
  if (number !== asked) return; // a later one is under way
  list.innerHTML = html; // made by the server, which escapes what people typed
  mark(list.querySelector('[role="option"]'));
}

function mark(option) {
  for (const other of list.querySelectorAll('[role="option"]')) {
    other.setAttribute("aria-selected", String(other === option));
    if (other === option) { other.id = "palette-at"; other.scrollIntoView({ block: "nearest" }); } else other.removeAttribute("id");
  }
  if (option) input.setAttribute("aria-activedescendant", "palette-at"); else input.removeAttribute("aria-activedescendant");
}

input.addEventListener("input", find);
input.form.addEventListener("submit", (event) => {
  const option = list.querySelector('[aria-selected="true"]');
  if (option) { event.preventDefault(); location.assign(option.href); }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if ((event.key === "/" && !typing) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    openPalette();
  } else if (palette.open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const options = [...list.querySelectorAll('[role="option"]')];
    const at = options.findIndex((option) => option.ariaSelected === "true");
    if (options.length) mark(options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length]);
  }
});

document.addEventListener("click", async (event) => {
  const opener = event.target.closest('[data-open="palette"]');
  if (opener) { event.preventDefault(); openPalette(); }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim());
    copy.querySelector("span").textContent = "Copied";
  }
  const theme = event.target.closest("[data-theme-switch]");
  if (theme) switchTheme(theme.querySelector("span"));
});

function switchTheme(label) {
  const order = ["system", "light", "dark"];
  const root = document.documentElement;
  const next = order[(order.indexOf(root.dataset.theme ?? "system") + 1) % order.length];
  if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
  document.cookie = `saas_access_theme=${next}; path=/admin; max-age=31536000; samesite=strict`;
  label.textContent = `Theme: ${next}`;
}

// A panel that the server opened becomes modal: the page behind is inert, focus moves in, Esc closes.
const panel = document.querySelector("dialog.panel[open]");
if (panel) {
  document.querySelector("a.scrim")?.remove();
  panel.close();
  panel.showModal();
  panel.addEventListener("cancel", (event) => { event.preventDefault(); location.assign(panel.dataset.close); });
}
