// Everything that is done with tokens.

import type { Page } from "@playwright/test";
import { closeSuccess, create, expect, readSecret, row, rowAction, test, tick } from "./fixture";
import { organization } from "./server";

const dayAfter = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const shown = (day: string): string =>
  new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));

test("a token is created, copied and used at once", async ({ signedIn: page, server, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const secret = await create(page, "first");
  expect(server.use(secret)).toBe(200);
  await expect(page.getByRole("region", { name: "Example for curl" })).toContainText(secret);
  await page.getByRole("tab", { name: "npm" }).click();
  await expect(page.getByRole("region", { name: "Example for npm" })).toContainText(btoa(secret));
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByText("You have not copied the token")).toBeVisible();
  await page.getByRole("button", { name: "Go back" }).click();
  await closeSuccess(page);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await expect(row(page, "first")).toContainText("Active");
  await expect(row(page, "first")).toContainText("Project and Team (Read)");

  // The text is nowhere: not in the page, the address, the history or what the browser keeps.
  const kept = await page.evaluate(() => JSON.stringify([document.documentElement.outerHTML, location.href,
    history.state, { ...localStorage }, { ...sessionStorage }, document.cookie,
    [...document.querySelectorAll("input")].map((input) => input.value)]));
  expect(kept).not.toContain(secret);
  await page.reload();
  await expect(row(page, "first")).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("reloading while the token is shown does not show it again", async ({ signedIn: page }) => {
  const secret = await create(page, "reloaded");
  page.on("dialog", (dialog) => { void dialog.accept(); });
  await page.reload();
  await expect(row(page, "reloaded")).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(await page.content()).not.toContain(secret);
});

for (const days of ["30", "60", "90"]) {
  test(`${days} days end on the day that is shown`, async ({ signedIn: page }) => {
    const name = `days-${days}`;
    await page.getByRole("button", { name: "New Token" }).first().click();
    await page.getByRole("textbox", { name: "Name" }).fill(name);
    const expiration = page.getByLabel("Expiration (UTC)");
    if (days === "30") await expect(expiration).toHaveValue("30");
    await expiration.selectOption(days);
    const day = shown(dayAfter(Number(days)));
    await expect(expiration.locator("option:checked")).toHaveText(`${days} days (${day})`);
    await tick(page, ["Code: Read & write"]);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await readSecret(page, name);
    await closeSuccess(page);
    await expect(row(page, name)).toContainText(day);
  });
}

test("full access until a chosen day", async ({ signedIn: page, server }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("full");
  await page.getByLabel("Expiration (UTC)").selectOption("custom");
  await page.getByLabel("Last day").fill(dayAfter(200));
  await page.getByRole("radio", { name: "Full access" }).check();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const secret = await readSecret(page, "full");
  expect(server.use(secret)).toBe(200);
  await closeSuccess(page);
  await expect(row(page, "full")).toContainText("Full access");
  await expect(row(page, "full")).toContainText(shown(dayAfter(200)));
});

test("errors stand at their field", async ({ signedIn: page }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  const name = page.getByRole("textbox", { name: "Name" });
  await expect(name).toBeFocused();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Give the token a name.")).toBeVisible();
  await expect(name).toBeFocused();
  await name.fill("faulty");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Choose at least one scope, or full access.")).toBeVisible();
  await tick(page, ["Project and Team: Read"]);
  await page.getByLabel("Expiration (UTC)").selectOption("custom");
  for (const day of [dayAfter(-1), dayAfter(368)]) {
    await page.getByLabel("Last day").fill(day);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByText(/Choose a day from today to/)).toBeVisible();
    await expect(page.getByLabel("Last day")).toBeFocused();
    await page.getByLabel("Last day").fill(dayAfter(5));
  }
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await readSecret(page, "faulty");
});

test("a level ticks and greys what it implies; search and finder", async ({ signedIn: page }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  const panel = page.getByRole("dialog");
  const code = panel.getByRole("group", { name: "Code", exact: true });
  await code.getByRole("checkbox", { name: "Read & write", exact: true }).check();
  await expect(code.getByRole("checkbox", { name: "Read", exact: true })).toBeChecked();
  await expect(code.getByRole("checkbox", { name: "Read", exact: true })).toBeDisabled();
  await code.getByRole("checkbox", { name: "Read & write", exact: true }).uncheck();
  await expect(code.getByRole("checkbox", { name: "Read", exact: true })).not.toBeChecked();
  await panel.getByLabel("Search scopes").fill("wiki");
  await expect(panel.getByRole("group", { name: "Wiki" })).toBeVisible();
  await expect(code).toHaveCount(0);
  await panel.getByLabel("Search scopes").fill("");
  await panel.getByRole("button", { name: "Which scope do I need?" }).click();
  await panel.getByLabel(/Method and URL/).fill("POST https://dev.azure.com/fabrikam/_apis/projects?api-version=7.1");
  await panel.getByRole("button", { name: "Add Project and Team: Read, write, & manage" }).first().click();
  await expect(panel.getByText("Already covered").first()).toBeVisible();
  await panel.getByRole("button", { name: /Show all scopes/ }).click();
  await expect(panel.getByRole("group", { name: "Project and Team" })
    .getByRole("checkbox", { name: "Read, write, & manage" })).toBeChecked();
});

test("filters, search and order", async ({ signedIn: page, server }) => {
  const session = await server.signIn();
  for (const name of ["zeta-one", "zeta-two", "zeta-three", "other"]) await server.createToken(session, name);
  await page.reload();
  await page.getByLabel("Search by name").fill("ZETA");
  await expect(page.getByRole("row")).toHaveCount(4);
  await page.getByRole("button", { name: "Token name" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("zeta-one");
  await page.getByRole("button", { name: "Token name" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("zeta-two");
  await page.getByRole("checkbox", { name: "Select zeta-one" }).check();
  await page.getByRole("checkbox", { name: "Select zeta-two" }).check();
  await page.getByRole("button", { name: "Revoke (2)" }).click();
  await expect(page.getByRole("alertdialog")).toContainText("zeta-one");
  await page.getByRole("alertdialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByLabel("Status").selectOption("revoked");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByLabel("Status").selectOption("expired");
  await expect(page.getByText("No token matches")).toBeVisible();
  await page.getByLabel("Status").selectOption("all");
  await expect(page.getByRole("row")).toHaveCount(4);
  await rowAction(page, "zeta-one", "Create a new one like this");
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("zeta-one");
});

test("edit keeps the text; regenerate ends it; revoke ends all", async ({ signedIn: page, server }) => {
  const session = await server.signIn();
  const old = await server.createToken(session, "worker");
  expect(server.use(old)).toBe(200);
  await page.reload();
  await rowAction(page, "worker", "Edit");
  await expect(page.getByLabel("Expiration (UTC)")).toHaveValue("keep");
  await page.getByRole("textbox", { name: "Name" }).fill("worker-edited");
  await page.getByLabel("Expiration (UTC)").selectOption("90");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row(page, "worker-edited")).toContainText(shown(dayAfter(90)));
  expect(server.use(old)).toBe(200);
  await rowAction(page, "worker-edited", "Regenerate");
  await expect(page.getByRole("alertdialog")).toContainText("The old text stops working at once");
  await page.getByRole("alertdialog").getByRole("button", { name: "Regenerate" }).click();
  const fresh = await readSecret(page, "worker-edited");
  await closeSuccess(page);
  expect(server.use(old)).toBe(401);
  expect(server.use(fresh)).toBe(200);
  await rowAction(page, "worker-edited", "Revoke");
  await expect(page.getByRole("alertdialog")).toContainText("This cannot be undone");
  await page.getByRole("alertdialog").getByRole("button", { name: "Revoke" }).click();
  await expect(row(page, "worker-edited")).toHaveCount(0);
  expect(server.use(fresh)).toBe(401);
});

test("two tabs: what one revokes, the other sees and cannot edit", async ({ signedIn: page, server, context }) => {
  const session = await server.signIn();
  await server.createToken(session, "shared");
  await page.reload();
  await rowAction(page, "shared", "Edit");
  const other = await context.newPage();
  await other.goto(page.url());
  await rowAction(other, "shared", "Revoke");
  await other.getByRole("alertdialog").getByRole("button", { name: "Revoke" }).click();
  await expect(row(other, "shared")).toHaveCount(0);
  await page.bringToFront();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(row(page, "shared")).toHaveCount(0);
});

test("a prefilled link opens the panel and creates nothing by itself", async ({ signedIn: page, server }) => {
  await page.goto(`${server.url}/${organization}/_usersSettings/tokens?name=ci+build&scopes=vso.code,vso.build&expires=60`);
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("ci build");
  await expect(page.getByLabel("Expiration (UTC)")).toHaveValue("60");
  await expect(page.getByRole("group", { name: "Build" }).getByRole("checkbox", { name: "Read", exact: true })).toBeChecked();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(row(page, "ci build")).toHaveCount(0);
});

// The server gets them all, but the first `count` answers are lost on the way. Gives each request's key.
async function loseAnswers(page: Page, url: string, count: number): Promise<string[]> {
  const keys: string[] = [];
  await page.route(url, async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    keys.push(route.request().headers()["idempotency-key"] ?? "");
    if (keys.length > count) return route.fallback();
    await route.fetch();
    return route.abort();
  });
  return keys;
}

const pats = "**/_apis/tokens/pats?api-version=*";

async function askFor(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "New Token" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await tick(page, ["Project and Team: Read"]);
  await page.getByRole("button", { name: "Create", exact: true }).click();
}

test("a lost answer is asked for again by the page, with the same key", async ({ signedIn: page, server }) => {
  const keys = await loseAnswers(page, pats, 1);
  await askFor(page, "asked once more");
  const secret = await readSecret(page, "asked once more");
  expect(keys).toEqual([expect.stringMatching(/^"[0-9a-f]{32}"$/), keys[0]]);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])))
    .not.toContain((keys[0] ?? "").slice(1, -1));
  expect(server.use(secret)).toBe(200);
  await closeSuccess(page);
  await expect(row(page, "asked once more")).toHaveCount(1);
});

test("who tries again after lost answers gets the token that was made", async ({ signedIn: page }) => {
  const keys = await loseAnswers(page, pats, 2);
  await askFor(page, "asked again");
  await expect(page.getByText("The server did not answer. Check")).toBeVisible();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await readSecret(page, "asked again");
  expect(new Set(keys).size).toBe(1);
  await closeSuccess(page);
  await expect(row(page, "asked again")).toHaveCount(1);
});

test("a lost answer does not make a second token", async ({ signedIn: page }) => {
  await loseAnswers(page, pats, 2);
  await askFor(page, "lost");
  await expect(page.getByText("The server did not answer. Check")).toBeVisible();
  await tick(page, ["Build: Read"]);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText(/it did create a token of this name/)).toBeVisible();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText(/it did create a token of this name/)).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.reload();
  await expect(row(page, "lost")).toHaveCount(1);
});

test("a lost answer to a regeneration is asked for again", async ({ signedIn: page }) => {
  await create(page, "renewed");
  await closeSuccess(page);
  const keys = await loseAnswers(page, "**/regenerate?api-version=*", 1);
  await rowAction(page, "renewed", "Regenerate");
  await page.getByRole("alertdialog").getByRole("button", { name: "Regenerate" }).click();
  await readSecret(page, "renewed");
  expect(keys).toEqual([keys[0], keys[0]]);
  await closeSuccess(page);
});

test("a failed list gives a message and a retry", async ({ signedIn: page }) => {
  await page.route("**/_apis/tokens/pats?*", (route) => route.fulfill({ status: 503, body: "" }));
  await page.reload();
  await expect(page.getByRole("alert")).toContainText("The server is busy");
  await page.unroute("**/_apis/tokens/pats?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("the mail about a token can be read", async ({ signedIn: page, server }) => {
  await server.createToken(await server.signIn(), "mailed");
  await expect(async () => {
    await page.goto(`${server.url}/${organization}/_usersSettings/notifications`);
    await expect(page.getByRole("button", { name: /"mailed" was added/ })).toBeVisible({ timeout: 1500 });
  }).toPass();
  await page.getByRole("button", { name: /"mailed" was added/ }).click();
  await expect(page.getByText("If this was you, there is nothing to do.").first()).toBeVisible();
});
