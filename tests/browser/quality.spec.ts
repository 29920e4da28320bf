// Accessibility, keyboard, small screens, weight.

import type { Page } from "@playwright/test";
import { expect, expectAccessible, expectNoSideScroll, row, rowAction, test, tick } from "./fixture";
import { organization } from "./server";

const firstLoadMax = 300_000;  // bytes over the wire

const pages: [string, string][] = [
  ["_usersSettings/notifications", "Notifications"], ["_usersSettings/sessions", "Sessions"],
  ["_usersSettings/password", "Password"], ["_usersSettings/profile", "Profile"],
  ["_settings/overview", "Overview"], ["_settings/members", "Members"], ["_projects", "Projects"],
];

// Opens each dialog of the tokens page and hands it to `look`.
async function eachDialog(page: Page, name: string, look: () => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "New Token" }).first().click();
  await tick(page, ["Code: Read"]);
  await page.getByRole("button", { name: "Which scope do I need?" }).click();
  await page.getByLabel(/Method and URL/).fill("create project");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByText("Give the token a name.")).toBeVisible();
  await look();
  await page.getByRole("textbox", { name: "Name" }).fill(`${name}-made`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(page.getByRole("dialog", { name: "Success!" })).toBeVisible();
  await look();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await look();
  await page.getByRole("button", { name: "Close without copying" }).click();
  for (const action of ["Regenerate", "Revoke"]) {
    await rowAction(page, `${name}-made`, action);
    await expect(page.getByRole("alertdialog")).toBeVisible();
    await look();
    await page.getByRole("button", { name: "Cancel" }).click();
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`no violation on any page or dialog, ${colorScheme}`, async ({ signedIn: page, server }) => {
    test.setTimeout(120_000);
    const session = await server.signIn();
    server.use(await server.createToken(session, `${colorScheme}-soon`, "vso.project", 3));
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.reload();
    await expect(row(page, `${colorScheme}-soon`)).toBeVisible();
    await page.getByRole("button", { name: "At a glance" }).click();
    await expect(page.getByRole("region", { name: "What expires when" })).toBeVisible();
    await expectAccessible(page);
    await eachDialog(page, colorScheme, () => expectAccessible(page));
    for (const [target, title] of pages) {
      await page.goto(`${server.url}/${organization}/${target}`);
      await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await expectAccessible(page);
    }
    await page.goto(server.url);
    await expect(page.getByRole("row")).not.toHaveCount(0);
    await expectAccessible(page);
    await page.context().clearCookies();
    await page.goto(server.url);
    await expect(page.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
    await expectAccessible(page);
  });
}

test("high contrast is chosen, kept, and has no violation", async ({ signedIn: page, server }) => {
  await server.createToken(await server.signIn(), "contrast");
  await page.getByRole("button", { name: "User settings" }).click();
  await page.getByRole("menuitemradio", { name: "High contrast" }).click();
  await page.reload();
  await expect(row(page, "contrast")).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(0, 0, 0)");
  await expectAccessible(page);
  await page.getByRole("button", { name: "New Token" }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath("contrast.png") });
  await page.getByRole("button", { name: "Cancel" }).click();
});

test("nothing scrolls sideways at 360 pixels or at 200 % zoom", async ({ signedIn: page, server }) => {
  await server.createToken(await server.signIn(), "a-name-that-is-quite-long-for-a-narrow-screen-of-a-telephone");
  // 200 % of a window 1280 wide is one of 640.
  for (const size of [{ width: 360, height: 640 }, { width: 640, height: 400 }]) {
    await page.setViewportSize(size);
    await page.goto(`${server.url}/${organization}/_usersSettings/tokens`);
    await expect(row(page, "a-name-that-is")).toBeVisible();
    await expectNoSideScroll(page);
    await eachDialog(page, `narrow-${size.width}`, () => expectNoSideScroll(page));
    for (const [target, title] of pages) {
      await page.goto(`${server.url}/${organization}/${target}`);
      await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await expectNoSideScroll(page);
    }
  }
});

test("a token is made with the keyboard alone, and focus comes back", async ({ signedIn: page }) => {
  await page.getByRole("button", { name: "New Token" }).first().focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  await page.keyboard.type("keys");
  const reach = async (name: string): Promise<void> => {
    for (let step = 0; step < 40; ++step) {
      const label = await page.evaluate(() => {
        const element = document.activeElement;
        if (element instanceof HTMLInputElement) return element.labels?.[0]?.textContent ?? element.ariaLabel ?? "";
        return element?.textContent ?? "";
      });
      if (label === name) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  await reach("Read");
  await page.keyboard.press("Space");
  await reach("Create");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "keys token" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Copy", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(row(page, "keys")).toBeVisible();
  await expect(page.getByRole("button", { name: "New Token" }).first()).toBeFocused();
});

test("many tokens come in pages", async ({ signedIn: page, server }) => {
  const session = await server.signIn();
  await Promise.all(Array.from({ length: 60 }, (_, at) => server.createToken(session, `many-${at}`)));
  await page.reload();
  await expect(page.getByRole("row")).toHaveCount(51);
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("Page 2")).toBeVisible();
  await page.getByRole("button", { name: "Previous" }).click();
  await expect(page.getByText("Page 1")).toBeVisible();
});

test("the first load is small, quick, from this host alone, and strict", async ({ page, server }) => {
  let bytes = 0;
  const hosts = new Set<string>();
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).origin);
  });
  page.on("requestfinished", (request) => {
    void request.sizes().then((sizes) => { bytes += sizes.responseBodySize; });
  });
  const begin = Date.now();
  const answer = await page.goto(`${server.url}/${organization}/_usersSettings/tokens`);
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  console.log(`interactive after ${Date.now() - begin} ms, ${bytes} bytes`);
  await page.waitForLoadState("networkidle");
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(firstLoadMax);
  expect([...hosts]).toEqual([server.url]);
  const headers = answer?.headers() ?? {};
  expect(headers["content-security-policy"]).toMatch(/script-src 'self'; style-src 'self' 'nonce-[\w+/]{22}=='/);
  expect(headers["cache-control"]).toContain("no-store");
  const again = await server.call("GET", "/no-such-organization/_usersSettings/tokens", "");
  expect(again.status).toBe(200);
  expect(again.headers.get("content-security-policy")).not.toBe(headers["content-security-policy"]);
});
