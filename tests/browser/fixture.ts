// A server for a file's tests, set up, and a page that is signed in.

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Server, email, organization, password } from "./server";

export { expect };

export const test = base.extend<{ signedIn: Page }, { server: Server }>({
  server: [async ({}, use) => {
    const server = new Server();
    await server.start();
    server.setUp();
    await use(server);
    await server.stop();
  }, { scope: "worker" }],
  signedIn: async ({ page, server }, use) => {
    watch(page);
    await page.goto(`${server.url}/${organization}/_usersSettings/tokens`);
    await signIn(page);
    await use(page);
    expect(problems.get(page) ?? []).toEqual([]);
  },
});

const problems = new WeakMap<Page, string[]>();

// A page must not break its own policy, nor throw; what it does is in the list.
export function watch(page: Page): string[] {
  const found: string[] = [];
  problems.set(page, found);
  page.on("pageerror", (error) => found.push(String(error)));
  page.on("console", (message) => {
    if (/Content.Security.Policy|Warning:/i.test(message.text())) found.push(message.text());
  });
  return found;
}

export async function signIn(page: Page, login = email, word = password): Promise<void> {
  await page.getByLabel("E-mail address").fill(login);
  await page.getByLabel("Password").fill(word);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("banner")).toBeVisible();
}

// A tooltip stands outside of every landmark by its nature.
export async function expectAccessible(page: Page): Promise<void> {
  const result = await new AxeBuilder({ page }).exclude("[role=tooltip]").analyze();
  expect(result.violations.map((entry) => `${entry.id}: ${entry.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`))
    .toEqual([]);
}

export async function expectNoSideScroll(page: Page): Promise<void> {
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(width[0]).toBeLessThanOrEqual(width[1] ?? 0);
}

// Makes a token in the page; gives its text.
export async function create(page: Page, name: string, scopes: string[] = ["Project and Team: Read"]): Promise<string> {
  await page.getByRole("button", { name: "New Token" }).first().click();
  const panel = page.getByRole("dialog", { name: "Create a new personal access token" });
  await panel.getByLabel("Name", { exact: false }).first().fill(name);
  await tick(page, scopes);
  await panel.getByRole("button", { name: "Create", exact: true }).click();
  return readSecret(page, name);
}

// "Project and Team: Read" ticks that box, under all scopes.
export async function tick(page: Page, scopes: string[]): Promise<void> {
  const all = page.getByRole("button", { name: /Show all scopes/ });
  if (await all.count()) await all.click();
  for (const scope of scopes) {
    const [category = "", level = ""] = scope.split(": ");
    await page.getByRole("group", { name: category, exact: true }).getByRole("checkbox", { name: level, exact: true })
      .check();
  }
}

export async function readSecret(page: Page, name: string): Promise<string> {
  const box = page.getByRole("textbox", { name: `${name} token` });
  await expect(box).toHaveValue(/^[\w]{84}$/);
  return box.inputValue();
}

export async function closeSuccess(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

export const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

export async function rowAction(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: action }).click();
}
