// Edit Access Groups: the changes follow the checkboxes. Without this, the Preview button shows them.
const form = document.querySelector("form.edit");
const changes = form.querySelector("[data-changes]");
const label = form.querySelector("[data-changed]");
let asked = 0;

async function preview() {
  const number = ++asked;
  const body = new URLSearchParams(new FormData(form));
  body.delete("seen");
  body.set("preview", "1");
  body.set("part", "1");
  changes.setAttribute("aria-busy", "true");
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  if (number !== asked) return; // a later one is under way
  changes.removeAttribute("aria-busy");
  if (answer?.redirected || answer?.status === 403) return location.reload(); // signed out meanwhile
  if (answer) changes.innerHTML = await answer.text(); // made by the server, which escapes names
}

function mark() {
  let changed = 0;
  for (const box of form.querySelectorAll("input[data-had]")) {
    const had = box.dataset.had === "yes";
    const item = box.closest("li");
    const word = had === box.checked ? "same" : box.checked ? "more" : "less";
    item.classList.toggle("is-changed", word !== "same");
    for (const each of item.querySelectorAll("[data-word]")) each.hidden = each.dataset.word !== word;
    if (word !== "same") changed++;
  }
  label.textContent = changed ? `${changed} ${changed === 1 ? "change" : "changes"}, not saved` : "no change yet";
}

if (changes) {
  form.querySelector("[data-preview]").hidden = true;
  form.addEventListener("change", () => { mark(); preview(); });
}
