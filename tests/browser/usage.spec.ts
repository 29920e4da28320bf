// How a token was used: the chart of its last 90 days, and the same numbers as a table.

import { closeSuccess, create, expect, expectAccessible, expectNoSideScroll, row, rowAction, test } from "./fixture";
import { organization } from "./server";

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
    const wiki = await fetch(`${server.url}/${organization}/_apis/projects?api-version=7.1`, {
      method: "POST", body: "{}", headers: { Authorization: `Basic ${btoa(`:${secret}`)}` } });
    expect(wiki.status).toBe(403);
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
