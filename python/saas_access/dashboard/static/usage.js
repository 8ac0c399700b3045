// T opens and closes the table of the charts' numbers.
const numbers = document.querySelector("details[data-numbers]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  numbers.open = !numbers.open;
  if (numbers.open) numbers.scrollIntoView({ block: "nearest" });
});
