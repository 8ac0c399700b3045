// Pages about teams: filters that apply as they are chosen, a filter over checkboxes, one sending of a form.
for (const select of document.querySelectorAll("[data-filter]")) select.addEventListener("change", () => select.form.requestSubmit());

for (const picker of document.querySelectorAll("[data-picker]")) {
  const items = [...picker.querySelectorAll("li")];
  if (items.length <= 8) continue;
  const find = picker.querySelector(".picker-find");
  const input = find.querySelector("input");
  const count = find.querySelector(".count");
  const filter = () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
      if (!item.hidden) shown++;
    }
    count.textContent = wanted ? `${shown} of ${items.length} match` : `${items.length}`;
  };
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  filter();
  find.hidden = false;
}

// A second click on what makes something would make another.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
