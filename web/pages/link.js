// The page of one-time links: set-up, invitation, new password. The code stands behind '#' in the
// address, so that no server sees it until it is used; it is taken out of the address at once.
"use strict";

const code = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const element = (id) => document.getElementById(id);
const show = (id, visible = true) => { element(id).hidden = !visible; };
const say = (id, text) => { element(id).textContent = text; };

async function call(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Latchkey-Request": "1" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text === "" ? {} : JSON.parse(text);
  if (!response.ok) throw Object.assign(new Error(answer.message), { field: answer.field });
  return answer;
}

// What each kind of link asks for, where it goes, and what it says when it is done.
const kinds = {
  setup: {
    title: "Set up Latchkey",
    about: () => "Make the first person and the first organization. The link works once.",
    fields: () => ["organization", "email", "displayName", "password"],
    path: "/_latchkey/setup",
    done: (values) => [`The organization ${values.organization} is ready, and you own it.`,
      `latchkey login --server ${location.origin} --email ${values.email}\n` +
      `latchkey token create --organization ${values.organization} --name my-first --scope vso.project`],
  },
  invitation: {
    title: "Join an organization",
    about: (info) => `You, ${info.email}, are invited to ${info.organization}.` +
      (info.personExists ? " Confirm with the password that you already have here." : ""),
    fields: (info) => info.personExists ? ["password"] : ["displayName", "password"],
    path: "/_latchkey/invitations/accept",
    done: (values, info) => [`You are a member of ${info.organization} now.`,
      `latchkey login --server ${location.origin} --email ${info.email}`],
  },
  passwordReset: {
    title: "Choose a new password",
    about: (info) => `For ${info.email}. All sessions end; tokens stay as they are.`,
    fields: () => ["password"],
    path: "/_latchkey/password/reset",
    done: (values, info) => ["The new password is set.",
      `latchkey login --server ${location.origin} --email ${info.email}`],
  },
};

function start(info) {
  const kind = kinds[info.kind];
  const fields = kind.fields(info);
  document.title = `Latchkey: ${kind.title}`;
  say("title", kind.title);
  say("about", kind.about(info));
  for (const field of fields) show(`${field}-part`);
  if (info.personExists && info.kind === "invitation") {
    show("password-hint", false);
    element("password").autocomplete = "current-password";
  }
  show("form");
  element(fields[0]).focus();
  element("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(fields.map((field) => [field, element(field).value]));
    const body = { code, ...values };
    if (info.kind === "passwordReset") {
      body.newPassword = body.password;
      delete body.password;
    }
    for (const field of fields) element(field).removeAttribute("aria-invalid");
    say("wrong", "");
    element("send").disabled = true;
    try {
      await call(kind.path, body);
      const [text, example] = kind.done(values, info);
      show("form", false);
      say("about", "");
      say("title", "Done");
      say("done-text", text + " Go on from a terminal:");
      say("done-example", example);
      show("done");
    } catch (error) {
      const field = error.field === "newPassword" ? "password" : error.field;
      say("wrong", error.message);
      if (fields.includes(field)) {
        element(field).setAttribute("aria-invalid", "true");
        element(field).focus();
      }
    }
    element("send").disabled = false;
  });
}

(code === "" ? Promise.reject(new Error("The address has no code. Open the whole link that you were given.")) :
  call("/_latchkey/links/inspect", { code })).then(start).catch((error) => {
  say("title", "This link does not work");
  say("about", error.message);
});
