// Teams and keys are offered as one types: the server sends the first fifty teams, of thousands it would be too many.
const who = document.getElementById("who");
const options = document.getElementById("who-list");
let asked = 0;

who.addEventListener("input", async () => {
  const number = ++asked;
  const q = who.value.trim();
  if (!q || [...options.children].some((option) => option.value === q)) return;
  const answer = await fetch(who.dataset.options + encodeURIComponent(q));
  if (answer.ok && number === asked) options.innerHTML = await answer.text(); // made by the server, which escapes names
});
