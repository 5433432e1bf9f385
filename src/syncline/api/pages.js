// The forms of pages.html. What a link carries stands behind its hash, so that no server logs it; it is taken out of the address at once.
"use strict";

const key = new URLSearchParams(location.hash.slice(1));
const secret = key.get("key") || key.get("token");
history.replaceState(null, "", location.pathname);

function show(id) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
}

function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

async function send(path, body) {
  const response = await fetch("/api/v1" + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

const actions = {
  async register(fields) {
    await send("/auth/register", { ...fields, key: secret });
    show("next");
    return "You are registered and signed in.";
  },
  async accept(fields) {
    await send("/auth/login", fields);
    await send("/invitations/accept", { token: secret });
    show("next");
    return "You have joined the workspace.";
  },
  async verify(fields) {
    await send("/auth/login", fields);
    await send("/auth/verify-email", { token: secret });
    show("next");
    return "Your address is confirmed.";
  },
  async reset(fields) {
    await send("/auth/reset-password", { ...fields, token: secret });
    show("home");
    return "The password is set. All sessions are over.";
  },
  async connect(fields) {
    const answer = await send("/notion/connect", fields);
    return answer.message;
  },
  async key(fields) {
    const answer = await send("/keys", { ...fields, scopes: ["read", "sync"] });
    document.getElementById("key").textContent = answer.data.key;
    return answer.message;
  },
};

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      say(await actions[form.dataset.do](Object.fromEntries(new FormData(form))));
      if (form.dataset.do === "connect") form.reset();
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
}

const page = location.pathname.slice(1) || "home";
show(document.getElementById(page) ? page : "home");
if (page !== "home" && !secret) say("This link is not whole: copy it again.");
