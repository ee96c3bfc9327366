// Sets a password by a link. What opens the link stands behind the `#`; it leaves the address line at once.
"use strict";

const part = (id) => document.getElementById(id);
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function ask(path, body) {
  const answer = await fetch(`api/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, ...body }),
  });
  const text = await answer.text();
  const said = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    throw new Error(said.detail);
  }
  return said;
}

function say(text) {
  part("said").textContent = text;
}

async function begin() {
  const link = await ask("password-links:read", {});
  const first = link.kind === "setup";
  part("title").textContent = first ? "The first operator" : `A password for ${link.operator}`;
  say(first ? "Choose a name and a password. You may do everything, and add others." : "");
  part("name").value = link.operator ?? "";
  part("named").hidden = !first;
  part("form").hidden = false;
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    finish(first).catch((error) => say(error.message));
  });
}

async function finish(first) {
  const [name, password] = [part("name").value, part("password").value];
  if (password !== part("again").value) {
    throw new Error("The two passwords differ.");
  }
  await (first ? ask("setup", { name, password }) : ask("password-links:use", { password }));
  part("form").hidden = true;
  say(`Done. Sign in as ${name} with the new password.`);
}

if (token) {
  begin().catch((error) => say(error.message));
} else {
  say("Open this page by a whole link, with what stands behind its #. Each link is good once.");
}
