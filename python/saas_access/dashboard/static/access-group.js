// The picker of aliases, and Group Name checked as one types. The server checks the same again; without this the forms
// still work.
const template = document.createElement("template");
const made = (html) => { template.innerHTML = html; return template.content.firstElementChild.cloneNode(true); };

for (const picker of document.querySelectorAll("[data-picker]")) pick(picker);
const form = document.querySelector("[data-new-group]");
if (form) watchName(form);

function pick(picker) {
  const options = [...picker.querySelectorAll(".picker-list > li")];
  const boxes = options.map((option) => option.querySelector("input"));
  const chosen = boxes.filter((box) => box.checked); // in the order in which teams shall see them
  const chips = picker.querySelector("[data-chosen]");
  const find = picker.querySelector("[data-find] input");
  const matches = picker.querySelector("[data-find] .count");

  function show() {
    chips.hidden = chosen.length === 0;
    chips.replaceChildren(...chosen.map(chip));
    picker.querySelector("[data-count]").textContent = `${chosen.length} chosen`;
    picker.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: chosen.map((box) => box.value) }));
  }
  function chip(box) {
    const made_ = made('<span class="chip"><button type="button"><svg class="ic" aria-hidden="true"><use href="#i-x"/></svg></button></span>');
    made_.prepend(box.value);
    made_.querySelector("button").setAttribute("aria-label", `Take ${box.value} out`);
    made_.querySelector("button").addEventListener("click", () => { box.checked = false; toggle(box); find.focus(); });
    return made_;
  }
  function toggle(box) {
    const at = chosen.indexOf(box);
    if (box.checked && at < 0) chosen.push(box);
    if (!box.checked && at >= 0) chosen.splice(at, 1);
    show();
  }
  function search() {
    const text = find.value.trim().toLowerCase();
    const hits = options.filter((option) => {
      const label = option.querySelector(".name");
      const name = label.textContent;
      const at = name.toLowerCase().indexOf(text);
      option.hidden = at < 0 && !option.querySelector(".to").textContent.toLowerCase().includes(text);
      if (at >= 0 && text) {
        const mark = document.createElement("mark");
        mark.textContent = name.slice(at, at + text.length);
        label.replaceChildren(name.slice(0, at), mark, name.slice(at + text.length));
      } else label.textContent = name;
      return !option.hidden;
    });
    matches.textContent = text ? (hits.length ? `${hits.length} of ${options.length} match` : "none matches") : "";
    picker.querySelector("[data-none]").hidden = hits.length > 0 || options.length === 0;
  }

  boxes.forEach((box) => box.addEventListener("change", () => toggle(box)));
  find.addEventListener("input", search);
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // Enter takes the only or first match; it doesn't send the form
    const first = options.find((option) => !option.hidden)?.querySelector("input");
    if (first && find.value.trim()) { first.checked = !first.checked; toggle(first); }
  });
  picker.closest("form").addEventListener("formdata", (event) => { // sent in the order they were chosen in
    event.formData.delete("model_aliases");
    for (const box of chosen) event.formData.append("model_aliases", box.value);
  });
  picker.querySelector("[data-find]").hidden = false;
  show();
}

function watchName(form) {
  const rule = /^[a-z0-9][a-z0-9._-]{0,63}$/;
  const name = document.getElementById("gn");
  const error = document.getElementById("gn-e");
  const suggest = error.querySelector("[data-suggest]");
  const code = document.querySelector("[data-json]");
  const same = document.querySelector("[data-same]");
  let aliases = [...form.querySelectorAll('[name="model_aliases"]:checked')].map((box) => box.value);
  let asked = 0;

  const reason = (value) => {
    if (!value) return "A name is needed.";
    const capitals = /[A-Z]/.test(value), spaces = /\s/.test(value);
    if (capitals && spaces) return "Capital letters and spaces aren't allowed.";
    if (capitals) return "Capital letters aren't allowed.";
    if (spaces) return "Spaces aren't allowed.";
    if (/^[._-]/.test(value)) return "It has to start with a letter or digit.";
    const odd = [...value].find((char) => !/[a-z0-9._-]/.test(char));
    return odd ? `${odd} isn't allowed.` : "At most 64 characters.";
  };
  const better = (value) => value.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[._-]+|[._-]+$/g, "").slice(0, 64);

  function check() {
    const value = name.value.trim();
    const good = rule.test(value);
    name.setAttribute("aria-invalid", String(!good));
    error.hidden = document.getElementById("gn-foot").hidden = good;
    if (!good) {
      error.querySelector("[data-why]").textContent = reason(value);
      suggest.textContent = suggest.value = better(value);
      error.querySelector("[data-offer]").hidden = !suggest.value;
    }
  }
  function write() {
    const body = { group_name: name.value.trim(), description: form.elements.description.value.trim(), model_aliases: aliases };
    code.textContent = JSON.stringify(body, null, 2);
  }
  async function compare() {
    const number = ++asked;
    const query = new URLSearchParams([["part", "1"], ...aliases.map((alias) => ["model_aliases", alias])]);
    const answer = await fetch(`${form.action}?${query}`);
    if (number === asked && answer.ok) same.innerHTML = await answer.text(); // made by the server, which escapes names
  }

  suggest.type = "button";
  suggest.addEventListener("click", () => { name.value = suggest.value; check(); write(); name.focus(); });
  name.addEventListener("input", () => { check(); write(); });
  form.elements.description.addEventListener("input", write);
  form.addEventListener("chosen", (event) => { aliases = event.detail; write(); compare(); });
  form.addEventListener("submit", (event) => { check(); if (name.getAttribute("aria-invalid") === "true") { event.preventDefault(); name.focus(); } });
}
