// Pictures of every view, in both themes: `./dev screenshots`. Not a test; it is run by hand and
// its pictures are looked at. Two of them are the README's.

import path from "node:path";
import { test, type Page } from "@playwright/test";
import { Server, organization, password, email } from "./server";

const out = process.env.LATCHKEY_SCREENSHOTS ?? "../../build/screenshots";

async function fill(server: Server): Promise<void> {
  const session = await server.signIn();
  const rows: [string, string, number, boolean][] = [
    ["nightly-build", "vso.build_execute vso.code", 60, true], ["release-notes", "vso.work vso.code", 30, false],
    ["dashboards", "vso.analytics vso.dashboards vso.test", 90, true], ["laptop", "app_token", 5, true],
    ["package-mirror", "vso.packaging", 180, false], ["backup", "vso.code vso.wiki vso.project", 330, true],
  ];
  for (const [name, scope, days, isUsed] of rows) {
    const token = await server.createToken(session, name, scope, days);
    for (let i = 0; isUsed && i < name.length; i += 1) server.use(token);
    // A token may not list tokens, so this one is refused.
    if (name === "dashboards") server.use(token, `/${organization}/_apis/tokens/pats?api-version=7.1-preview.1`);
  }
  for (const name of ["website", "payments"]) {
    await server.call("POST", `/${organization}/_apis/projects?api-version=7.1`, session,
      { name, description: `Everything about ${name}` });
  }
  await server.addPerson(session, "grace@example.com", "member", "another long secret word");
  await server.call("POST", `/_latchkey/organizations/${organization}/invitations`, session,
    { email: "alan@example.com", role: "reader" });
}

async function views(page: Page, server: Server, theme: string): Promise<void> {
  const shoot = async (name: string): Promise<unknown> => {
    await page.mouse.move(0, 0);  // hover over nothing
    return page.screenshot({ path: path.join(out, `${name}-${theme}.png`), animations: "disabled" });
  };
  const visit = async (target: string): Promise<void> => {
    await page.goto(`${server.url}/${target}`);
    await page.waitForLoadState("networkidle");
  };
  await visit("");
  await page.getByLabel("E-mail address").waitFor();
  await shoot("sign-in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("table").waitFor();
  await shoot("organizations");
  const base = `${organization}/`;
  await visit(`${base}_usersSettings/tokens`);
  await page.getByRole("table").waitFor();
  await shoot("tokens-list");
  await page.getByRole("button", { name: "At a glance" }).click();
  await page.getByRole("region", { name: "What expires when" }).waitFor();
  await shoot("glance");
  await page.getByRole("button", { name: "At a glance" }).click();
  await page.getByRole("button", { name: "New Token" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("nightly-build");
  const box = (group: string, level: string) =>
    page.getByRole("group", { name: group, exact: true }).getByRole("checkbox", { name: level, exact: true });
  await box("Code", "Read & write").check();
  await box("Build", "Read & execute").check();
  await page.getByRole("textbox", { name: "Name" }).focus();
  await page.waitForTimeout(400);
  await shoot("new-token");
  await page.getByRole("button", { name: "Which scope do I need?" }).click();
  await page.getByLabel(/Method and URL/).fill(`GET ${server.url}/${organization}/_apis/projects`);
  await page.waitForTimeout(300);
  await shoot("finder");
  await page.getByRole("textbox", { name: "Name" }).fill("");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText("Give the token a name.").waitFor();
  await shoot("new-token-error");
  await page.getByRole("textbox", { name: "Name" }).fill(`picture-${theme}`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("dialog", { name: "Success!" }).waitFor();
  await shoot("success");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  for (const action of ["Regenerate", "Revoke"]) {
    await page.getByRole("button", { name: `Actions for picture-${theme}` }).click();
    if (action === "Regenerate") await shoot("row-menu");
    await page.getByRole("menuitem", { name: action }).click();
    await page.getByRole("alertdialog").waitFor();
    await shoot(action.toLowerCase());
    const answer = action === "Revoke" ? "Revoke" : "Cancel";
    await page.getByRole("alertdialog").getByRole("button", { name: answer }).click();
  }
  for (const [target, name] of [["_usersSettings/notifications", "notifications"], ["_usersSettings/sessions", "sessions"],
    ["_usersSettings/password", "password"], ["_settings/overview", "overview"], ["_settings/members", "members"],
    ["_projects", "projects"]] as const) {
    await visit(base + target);
    if (name === "notifications") await page.getByRole("button", { name: /was added/ }).first().click();
    await shoot(name);
  }
  await page.setViewportSize({ width: 360, height: 720 });
  await visit(`${base}_usersSettings/tokens`);
  await page.getByRole("table").waitFor();
  await shoot("narrow-list");
  await page.getByRole("button", { name: "New Token" }).click();
  await page.getByRole("textbox", { name: "Name" }).waitFor();
  await page.waitForTimeout(400);
  await shoot("narrow-new-token");
}

test("screenshots", async ({ browser }) => {
  test.setTimeout(240_000);
  const server = new Server();
  await server.start();
  try {
    server.setUp();
    await fill(server);
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 760 } });
      await views(await context.newPage(), server, colorScheme);
      await context.close();
    }
  } finally {
    await server.stop();
  }
});
