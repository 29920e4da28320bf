// Scopes that the operator declared, and the links by which refusals lead to a new token.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { test as base, type Page } from "@playwright/test";
import {
  closeSuccess, create, expect, expectAccessible, expectNoSideScroll, readSecret, row, rowAction, signIn, watch,
} from "./fixture";
import { Server, organization } from "./server";

const configuration = `
[[gate.scope]]
name = "acme.orders_read"
title = "Read"
description = "Reads orders and their history."
category = "Acme orders"

[[gate.scope]]
name = "acme.orders_write"
title = "Read & write"
description = "Creates, changes and cancels orders."
category = "Acme orders"
implies = ["acme.orders_read"]
high_privilege = true

[[gate.scope]]
name = "acme.audit"
title = "<img src=x onerror=alert(1)>"
description = "Only for \\"administrators\\"."
category = "Acme <b>audit</b>"
role = "administrator"
`;

const test = base.extend<{ signedIn: Page }, { server: Server }>({
  server: [async ({}, use) => {
    const server = new Server();
    const file = path.join(server.folder, "latchkey.toml");
    writeFileSync(file, configuration);
    await server.start(["--config", file]);
    server.setUp();
    await use(server);
    await server.stop();
  }, { scope: "worker" }],
  signedIn: async ({ page, server }, use) => {
    const problems = watch(page);
    await page.goto(`${server.url}/${organization}/_usersSettings/tokens`);
    await signIn(page);
    await use(page);
    expect(problems).toEqual([]);
  },
});

const panelOf = (page: Page) => page.getByRole("dialog", { name: "Create a new personal access token" });
const tokensPage = (server: Server, query: string): string =>
  `${server.url}/${organization}/_usersSettings/tokens?${query}`;

test("a declared scope is shown first, granted, and kept by an edit", async ({ signedIn: page, server }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  const panel = panelOf(page);
  const groups = panel.getByRole("group");
  await expect(groups.nth(1)).toContainText("Acme");
  const orders = panel.getByRole("group", { name: "Acme orders" });
  await expect(orders).toContainText("Reads orders and their history.");
  await orders.getByRole("checkbox", { name: "Read & write" }).check();
  await expect(orders.getByRole("checkbox", { name: "Read", exact: true })).toBeDisabled();
  await panel.getByRole("textbox", { name: "Name" }).fill("orders");
  await expectAccessible(page);
  await page.screenshot({ path: path.join(process.env.LATCHKEY_BROWSER_OUT ?? ".", "declared.png") });
  await panel.getByRole("button", { name: "Create", exact: true }).click();
  const token = await readSecret(page, "orders");
  await closeSuccess(page);
  await expect(row(page, "orders")).toContainText("Acme orders (Read & write)");
  const self = await server.call("GET", `/${organization}/_apis/tokens/self?api-version=7.1`, token);
  expect(JSON.parse(self.body)).toMatchObject({
    scope: "acme.orders_write", effectiveScope: "acme.orders_read acme.orders_write",
  });
  await rowAction(page, "orders", "Edit");
  const edit = page.getByRole("dialog", { name: "Edit a personal access token" });
  await expect(edit.getByRole("group", { name: "Acme orders" }).getByRole("checkbox", { name: "Read & write" })).toBeChecked();
  await edit.getByRole("textbox", { name: "Name" }).fill("orders of acme");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(row(page, "orders of acme")).toContainText("Acme orders (Read & write)");
});

test("a declaration's words are text", async ({ signedIn: page }) => {
  await page.getByRole("button", { name: "New Token" }).first().click();
  const audit = panelOf(page).getByRole("group", { name: "Acme <b>audit</b>" });
  await expect(audit.getByRole("checkbox", { name: "<img src=x onerror=alert(1)>" })).toBeVisible();
  await expect(page.locator("img[src=x]")).toHaveCount(0);
});

test("a refusal's link opens the panel filled, after sign-in too, and creates nothing", async ({ page, server }) => {
  const problems = watch(page);
  await page.goto(tokensPage(server, "new=1&scopes=acme.orders_read+vso.code&name=GET+%2Forders"));
  await signIn(page);
  const panel = panelOf(page);
  await expect(panel.getByRole("textbox", { name: "Name" })).toHaveValue("GET /orders");
  await expect(panel.getByRole("textbox", { name: "Name" })).toBeFocused();
  await expect(panel.getByRole("group", { name: "Acme orders" }).getByRole("checkbox", { name: "Read", exact: true }))
    .toBeChecked();
  await expect(panel.getByRole("group", { name: "Code" }).getByRole("checkbox", { name: "Read", exact: true })).toBeChecked();
  expect(new URL(page.url()).search).toBe("");
  await panel.getByRole("button", { name: "Cancel" }).click();
  await expect(row(page, "GET /orders")).toHaveCount(0);
  expect(problems).toEqual([]);
});

test("a refusal's link names what is not known here", async ({ signedIn: page, server }) => {
  await page.goto(tokensPage(server, "new=1&scopes=acme.gone+vso.pats+acme.orders_read+app_token&name=linked"));
  const panel = panelOf(page);
  await expect(panel.getByRole("status")).toContainText("acme.gone, vso.pats");
  await expect(panel.getByRole("status")).toContainText("full access");
  await expect(panel.getByRole("radio", { name: "Custom defined" })).toBeChecked();
  await expect(panel.getByRole("textbox", { name: "Name" })).toBeFocused();
  await expectAccessible(page);
  await expectNoSideScroll(page);
  await page.screenshot({ path: path.join(process.env.LATCHKEY_BROWSER_OUT ?? ".", "link.png") });
  await panel.getByRole("button", { name: "Create", exact: true }).click();
  await readSecret(page, "linked");
  await closeSuccess(page);
  await expect(row(page, "linked")).toContainText("Acme orders (Read)");
});

test("a link smuggles nothing", async ({ signedIn: page, server }) => {
  const sent: string[] = [];
  page.on("request", (request) => { if (request.method() !== "GET") sent.push(request.url()); });
  const script = encodeURIComponent("<img src=x onerror=document.title='hit'>\"'><script>document.title='hit'</script>");
  await page.goto(tokensPage(server, `new=1&name=${script}&scopes=${script}`));
  await expect(panelOf(page).getByRole("textbox", { name: "Name" })).toHaveValue(/^<img src=x/);
  await expect(page.locator("img[src=x]")).toHaveCount(0);
  expect(await page.title()).not.toBe("hit");
  // As long as the server takes an address.
  await page.goto(tokensPage(server, `new=1&name=${"n".repeat(3000)}&scopes=${"a.b,".repeat(900)}`));
  await expect(panelOf(page).getByRole("textbox", { name: "Name" })).toHaveValue("n".repeat(256));
  await expect(panelOf(page).getByRole("status")).toContainText("a.b");
  await expectNoSideScroll(page);
  // Another organization's page makes nothing there, nor here.
  await page.goto(`${server.url}/contoso/_usersSettings/tokens?new=1&name=foreign&scopes=vso.code`);
  await expect(page.getByText(/no such organization/i).first()).toBeVisible();
  await page.goto(tokensPage(server, ""));
  await expect(page.getByRole("button", { name: "New Token" }).first()).toBeVisible();
  await expect(row(page, "foreign")).toHaveCount(0);
  expect(sent).toEqual([]);
});

test("a token of a declared scope beside others in the list", async ({ signedIn: page }) => {
  await create(page, "both", ["Acme orders: Read", "Wiki: Read"]);
  await closeSuccess(page);
  await expect(row(page, "both")).toContainText("Wiki (Read); Acme orders (Read)");
});
