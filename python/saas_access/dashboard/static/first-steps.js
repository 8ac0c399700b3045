// The test call, made by this browser with the team's key, as a customer's program would; and a look-out for the first one.
const card = document.getElementById("test-call");

function line(kind, ...parts) {
  const note = document.createElement("div");
  note.className = `note ${kind}`;
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("class", "ic");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  icon.firstChild.setAttribute("href", kind === "ok" ? "#i-ok" : "#i-no");
  const text = document.createElement("div");
  for (const part of parts) {
    const p = document.createElement("p");
    p.append(...[part].flat());
    text.append(p);
  }
  note.append(icon, text);
  return note;
}

function strong(words) {
  const element = document.createElement("strong");
  element.textContent = words;
  return element;
}

async function testCall() {
  const model = document.getElementById("try-model").value;
  const key = (document.getElementById("new-key")?.textContent ?? document.getElementById("try-key").value).trim();
  const began = performance.now();
  const answer = await fetch("/v1/chat/completions", {
    method: "POST",
    credentials: "omit", // the operator's session isn't the team's business
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: document.getElementById("try-text").value }] }),
  });
  const body = await answer.json();
  if (answer.ok) {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const facts = `${model} answered in ${seconds} s${body.usage ? ` with ${body.usage.total_tokens} tokens` : ""}.`;
    return line("ok", body.choices?.[0]?.message?.content ?? "", facts);
  }
  const why = line("bad", [strong(`Refused with ${answer.status}.`), ` ${body.error?.message ?? body.message ?? ""}`]);
  if (answer.status === 403 || answer.status === 402) {
    const link = document.createElement("a");
    link.href = card.dataset.explain + encodeURIComponent(model);
    link.textContent = "Explain it";
    why.lastChild.append(link);
  }
  return why;
}

async function look() {
  const arrived = document.getElementById("arrived");
  const answer = await fetch(arrived.dataset.part);
  if (answer.ok) arrived.innerHTML = await answer.text(); // made by the server, which escapes what people typed
  return arrived.querySelector("[data-arrived]") !== null;
}

async function lookOut(times) {
  if (times > 0 && (document.hidden || !(await look()))) setTimeout(lookOut, 3000, times - 1);
}

const attempt = document.getElementById("try");
if (attempt) {
  const button = document.getElementById("try-button");
  attempt.hidden = false;
  attempt.addEventListener("submit", async (event) => {
    event.preventDefault();
    const shown = document.getElementById("try-answer");
    button.disabled = true;
    shown.textContent = "Calling...";
    try {
      shown.replaceChildren(await testCall());
    } catch (problem) {
      shown.replaceChildren(line("bad", [strong("No answer."), ` ${problem.message}`]));
    }
    button.disabled = false;
    look();
  });
}
const again = document.getElementById("look");
if (again) {
  again.addEventListener("click", (event) => { event.preventDefault(); look(); }); // loading the page anew would lose the key
  if (!document.querySelector("#arrived [data-arrived]")) lookOut(200);
}
