// How tokens were used: the chart of 90 days with the same numbers as a table, and the sums of 30 in the list.

import type { Locator, Page } from "@playwright/test";
import { closeSuccess, create, expect, expectAccessible, expectNoSideScroll, row, rowAction, test } from "./fixture";
import { organization, type Server } from "./server";

// A call that the token's scope does not allow; gives the status.
async function refuse(server: Server, secret: string): Promise<number> {
  const answer = await fetch(`${server.url}/${organization}/_apis/projects?api-version=7.1`, {
    method: "POST", body: "{}", headers: { Authorization: `Basic ${btoa(`:${secret}`)}` } });
  return answer.status;
}

// Of the column of the last 30 days.
const cell = (page: Page, name: string): Locator => row(page, name).locator("td").nth(5);

for (const colorScheme of ["light", "dark"] as const) {
  test(`uses and refusals are shown, ${colorScheme}`, async ({ signedIn: page, server }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const name = `used-${colorScheme}`;
    const secret = await create(page, name);
    await closeSuccess(page);
    await rowAction(page, name, "Usage");
    const dialog = page.getByRole("dialog", { name: `Usage of ${name}` });
    await expect(dialog).toContainText("It was not used in the last 90 days.");
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Close" }).click();

    for (let i = 0; i < 3; i += 1) expect(server.use(secret)).toBe(200);
    expect(await refuse(server, secret)).toBe(403);
    await page.reload();
    await rowAction(page, name, "Usage");
    const words = "let through 3 times and refused once, on 1 day";
    await expect(dialog.getByRole("img", { name: new RegExp(words) })).toBeVisible();
    await expect(dialog).toContainText(words);
    await expect(dialog.locator("svg rect")).toHaveCount(2);
    const table = dialog.getByRole("table", { name: "Days on which the token was used" });
    await expect(table.getByRole("row")).toHaveCount(2);
    await expect(table.getByRole("cell")).toHaveText(["3", "1"]);
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 700 });
    await expectNoSideScroll(page);
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(row(page, name)).toBeVisible();
  });
}

test("a token's details show it, and a revoked token's are still there", async ({ signedIn: page, server }) => {
  const secret = await create(page, "detailed");
  await closeSuccess(page);
  server.use(secret);
  await page.getByRole("button", { name: "detailed", exact: true }).click();
  const panel = page.getByRole("dialog", { name: "Edit a personal access token" });
  await expect(panel.getByRole("img", { name: /let through once/ })).toBeVisible();
  await panel.getByRole("button", { name: "Cancel" }).click();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the list shows the last 30 days, ${colorScheme}`, async ({ signedIn: page, server }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width: 1280, height: 760 });
    const [used, idle] = [`counted-${colorScheme}`, `idle-${colorScheme}`];
    const secret = await create(page, used);
    await closeSuccess(page);
    await create(page, idle);
    await closeSuccess(page);
    await expect(cell(page, used)).toHaveText("None");
    server.use(secret);
    await page.reload();
    await expect(cell(page, used)).toHaveText("1 call");
    server.use(secret);
    expect(await refuse(server, secret)).toBe(403);
    await page.reload();
    await expect(cell(page, used)).toHaveText("2 calls1 refused");
    await expect(cell(page, idle)).toHaveText("None");
    await expectAccessible(page);
    for (const [width, isShown] of [[1280, true], [1201, true], [1000, false], [360, false]] as const) {
      await page.setViewportSize({ width, height: 760 });
      await expect(page.getByRole("columnheader", { name: "Last 30 days" })).toBeVisible({ visible: isShown });
      await expect(cell(page, used)).toBeVisible({ visible: isShown });
      await expectNoSideScroll(page);
    }
  });
}

test("the list stands when its sums cannot be had, and says so", async ({ signedIn: page }) => {
  await create(page, "uncounted");
  await closeSuccess(page);
  await page.route("**/usage?days=30", (route) => route.abort());
  await page.reload();
  await expect(cell(page, "uncounted")).toHaveText("–Not known");
  await page.unroute("**/usage?days=30");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(cell(page, "uncounted")).toHaveText("None");
});
