// Set-up, sign-in, the end of a session, and a person without rights.

import { closeSuccess, expect, readSecret, signIn, test, tick, watch } from "./fixture";
import { Server, email, organization, password } from "./server";

test("the set-up link makes the first person, who then makes a token", async ({ page }) => {
  const server = new Server();
  await server.start();
  try {
    watch(page);
    await page.goto(server.setupLink);
    await expect(page.getByRole("heading", { name: "Set up Latchkey" })).toBeVisible();
    expect(page.url()).not.toContain("lkl_");
    await page.getByLabel("Organization").fill("no spaces allowed");
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("Password").fill("password1234");
    await page.getByRole("button", { name: "Set up" }).click();
    await expect(page.getByLabel("Organization")).toHaveAttribute("aria-invalid", "true");
    await page.getByLabel("Organization").fill(organization);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Set up" }).click();
    await expect(page.getByRole("heading", { name: "Personal Access Tokens" })).toBeVisible();
    await expect(page.getByText("You have no active tokens here")).toBeVisible();
    await page.goto(server.setupLink);
    await expect(page.getByRole("heading", { name: "This link does not work" })).toBeVisible();
  } finally {
    await server.stop();
  }
});

test("a wrong password is told, and signing out ends the session", async ({ page, server }) => {
  await page.goto(`${server.url}/_latchkey/signin`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("wrong password here");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("not right");
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Organizations" })).toBeVisible();
  await page.getByRole("button", { name: "User settings" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
});

test("the end of a session keeps the work in hand", async ({ signedIn: page, server }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("survivor");
  await tick(page, ["Project and Team: Read"]);
  const session = await server.signIn();
  await server.call("DELETE", "/_latchkey/sessions", session);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const dialog = page.getByRole("alertdialog", { name: "Your session has ended" });
  await expect(dialog).toBeVisible();
  await dialog.getByLabel("Password").fill("not the password");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await expect(dialog.getByText("not right")).toBeVisible();
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await readSecret(page, "survivor");
  await closeSuccess(page);
  await expect(page.getByRole("row", { name: /survivor/ })).toHaveCount(1);
});

test("an invitation is made, accepted, and its person may not manage", async ({ signedIn: page, server, browser }) => {
  await page.getByRole("link", { name: "Members" }).click();
  await page.getByLabel("E-mail address").fill("bob@example.com");
  await page.getByLabel("Role", { exact: true }).selectOption("reader");
  await page.getByRole("button", { name: "Invite" }).click();
  const link = await page.getByRole("textbox", { name: /Give this link/ }).inputValue();
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(link);
  await other.getByLabel("Your name").fill("Bob");
  await other.getByLabel("Password").fill("another long secret word");
  await other.getByRole("button", { name: "Join" }).click();
  await expect(other.getByRole("heading", { name: "Personal Access Tokens" })).toBeVisible();
  await other.getByRole("link", { name: "Projects" }).click();
  await expect(other.getByRole("heading", { name: "Projects" })).toBeVisible();
  await expect(other.getByRole("button", { name: "New project" })).toHaveCount(0);
  await other.getByRole("link", { name: "Members" }).click();
  const session = await server.signIn("bob@example.com", "another long secret word");
  const token = await server.createToken(session, "too-much", "vso.project_manage");
  expect(server.use(token)).toBe(200);
  await other.goto(`${server.url}/${organization}/_usersSettings/tokens`);
  await expect(other.getByText("Your role here does not allow Project and Team (Read, write, & manage)")).toBeVisible();
  await other.getByRole("link", { name: "Members" }).click();
  await expect(other.getByText("ada@example.com")).toBeVisible();
  await expect(other.getByRole("button", { name: "Invite" })).toHaveCount(0);
  await other.goto(`${server.url}/contoso/_usersSettings/tokens`);
  await expect(other.getByRole("alert")).toBeVisible();
  await expect(other.getByRole("table")).toHaveCount(0);
  await context.close();
});

test("the password is changed, and sessions are seen and ended", async ({ page, server }) => {
  const owner = await server.signIn();
  await server.addPerson(owner, "carol@example.com", "member", "the first long password");
  await server.signIn("carol@example.com", "the first long password");
  await page.goto(`${server.url}/${organization}/_usersSettings/password`);
  await signIn(page, "carol@example.com", "the first long password");
  await page.getByLabel("Present password").fill("the first long password");
  await page.getByLabel("Present password").fill("not the present one");
  await page.getByLabel("New password").fill("the second long password");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The old password is not right.")).toBeVisible();
  await expect(page.getByRole("alertdialog")).toHaveCount(0);
  await page.getByLabel("Present password").fill("the first long password");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("New password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("New password").fill("the second long password");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The password is changed")).toBeVisible();
  await server.signIn("carol@example.com", "the second long password");
  await page.getByRole("link", { name: "Sessions" }).click();
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByRole("button", { name: "End all others" }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
});

test("a reset link gives a new password, once", async ({ page, server }) => {
  const owner = await server.signIn();
  await server.addPerson(owner, "dora@example.com", "member", "the first long password");
  const people = await server.call("GET", "/_latchkey/people", owner);
  const dora = (JSON.parse(people.body) as { value: { id: string; email: string }[] }).value
    .find((person) => person.email === "dora@example.com");
  const made = await server.call("POST", `/_latchkey/people/${dora?.id}/reset-link`, owner);
  const { link } = JSON.parse(made.body) as { link: string };
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Password").fill("an entirely new password");
  await page.getByRole("button", { name: "Set the password" }).click();
  await signIn(page, "dora@example.com", "an entirely new password");
  await page.goto(link);
  await page.reload();
  await expect(page.getByRole("heading", { name: "This link does not work" })).toBeVisible();
});

test("organizations and projects are made, renamed, deleted and recovered", async ({ signedIn: page }) => {
  await page.getByRole("link", { name: "Latchkey" }).click();
  await page.getByRole("button", { name: "New organization" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("bad name");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Name" }).fill("contoso-2");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("You have no active tokens here")).toBeVisible();
  await page.getByRole("link", { name: "Projects" }).click();
  await page.getByRole("button", { name: "New project" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("alpha");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByRole("row", { name: /alpha/ })).toBeVisible();
  await page.getByRole("row", { name: /alpha/ }).getByRole("button", { name: "Settings" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("beta");
  await page.getByRole("textbox", { name: "Description" }).fill("What is new");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("row", { name: /beta/ }).getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Recover" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Recover" }).click();
  await expect(page.getByRole("table", { name: "Projects", exact: true }).getByText("beta")).toBeVisible();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("contoso-3");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(page).toHaveURL(/contoso-3/);
  await page.getByRole("button", { name: "Delete organization" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete organization" }).click();
  const deleted = page.getByRole("row", { name: /contoso-3/ });
  await deleted.getByRole("button", { name: "Recover" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Recover" }).click();
  await expect(deleted.getByRole("link", { name: "Tokens" })).toBeVisible();
});
