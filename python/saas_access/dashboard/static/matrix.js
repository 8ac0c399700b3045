// The grid is complete without this: each cell is a link with a spoken name. The module makes it one tab stop, with
// arrow keys and the card of a cell.
const grid = document.querySelector(".mx");
if (grid) {
  const card = document.getElementById("cell-card").content.firstElementChild.cloneNode(true);
  const around = grid.closest(".mx-wrap");
  const rows = [...grid.querySelectorAll("tbody tr:not(.org)")].map((row) => [...row.querySelectorAll("td.c > a")]);
  const columns = [...grid.querySelectorAll("th.col")];
  const touch = matchMedia("(hover: none)");
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const places = new Map(rows.flatMap((row, y) => row.map((cell, x) => [cell, [y, x]])));
  let soon;

  const cellOf = (target) => target.closest?.("td.c > a") ?? null;
  const editing = (cell) => cell.closest("tr").querySelector("th .name").href + "/access";

  const hide = () => {
    clearTimeout(soon);
    card.remove();
    grid.querySelectorAll(".cross, .crossc").forEach((part) => part.classList.remove("cross", "crossc"));
  };

  const show = (cell) => {
    hide();
    const [y, x] = places.get(cell);
    cell.closest("tr").classList.add("cross");
    columns[x].classList.add("crossc");
    rows.forEach((row) => row[x].parentElement.classList.add("crossc"));
    const denied = ["no", "ask"].includes(cell.parentElement.dataset.s);
    const say = (name, text) => { card.querySelector(`[data-${name}]`).textContent = text; };
    say("team", cell.closest("tr").querySelector("th .name").textContent);
    say("may", denied ? "may not call" : "may call");
    say("alias", columns[x].dataset.alias);
    say("group", cell.dataset.via || "none");
    say("model", columns[x].dataset.model);
    say("calls", cell.dataset.calls);
    card.querySelector("[data-explain]").href = cell.href;
    card.querySelector("[data-edit]")?.setAttribute("href", editing(cell));
    card.classList.remove("left", "up");
    cell.parentElement.append(card);
    const [inside, box] = [around.getBoundingClientRect(), card.getBoundingClientRect()];
    card.classList.toggle("left", box.right > inside.right);
    card.classList.toggle("up", box.bottom > inside.bottom && y > 5);
    if (touch.matches) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  places.forEach((_, cell) => {
    cell.tabIndex = -1;
    cell.removeAttribute("title"); // the card says it
  });
  rows[0][0].tabIndex = 0;
  document.querySelector(".keys-hint").hidden = touch.matches;

  grid.addEventListener("focusin", (event) => {
    const cell = cellOf(event.target);
    if (!cell) return;
    grid.querySelectorAll('td.c > a[tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
    cell.tabIndex = 0;
    if (!touch.matches) show(cell);
  });
  grid.addEventListener("focusout", (event) => { if (!grid.contains(event.relatedTarget)) hide(); });
  grid.addEventListener("pointerover", (event) => {
    const cell = cellOf(event.target);
    clearTimeout(soon);
    if (cell && event.pointerType === "mouse" && !cell.parentElement.contains(card)) soon = setTimeout(show, 200, cell);
  });
  grid.addEventListener("pointerleave", () => { if (!grid.contains(document.activeElement)) hide(); });
  // Where nothing hovers, the first tap shows the card, as a sheet; its link leads on.
  grid.addEventListener("click", (event) => {
    const cell = cellOf(event.target);
    if (cell && touch.matches) { event.preventDefault(); show(cell); }
  });
  document.addEventListener("click", (event) => { if (touch.matches && !cellOf(event.target) && !card.contains(event.target)) hide(); });
  grid.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (event.key === "Escape") hide();
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [y, x] = places.get(cell);
    const [down, right] = step[event.key] ?? [];
    const to = { Home: rows[y][0], End: rows[y].at(-1) }[event.key] ?? (step[event.key] && rows[y + down]?.[x + right]);
    if (event.key.toLowerCase() === "e" && card.querySelector("[data-edit]")) location.assign(editing(cell));
    if (to) { event.preventDefault(); to.focus(); }
  });
}
