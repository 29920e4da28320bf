// What a page of somebody else can do with a session that is open here, and what the browser keeps.

import { createServer, type Server as HttpServer } from "node:http";
import type { BrowserContext, Page } from "@playwright/test";
import { closeSuccess, create, expect, row, test } from "./fixture";
import { organization, type Server } from "./server";

// A page with `script` in it, at a port of `host`.
async function evilSite(host: string, script: string): Promise<{ url: string; close: () => void }> {
  const site: HttpServer = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<!doctype html><title>evil</title><body><script>${script}</script>`);
  });
  await new Promise<void>((resolve) => { site.listen(0, "127.0.0.1", resolve); });
  const address = site.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return { url: `http://${host}:${address.port}/`, close: () => { site.close(); } };
}

test("another site's page makes, ends and reads nothing", async ({ signedIn: page, server, context }) => {
  // Of another site, to which the browser gives no cookie; and of another port of this host, to which it does.
  for (const host of ["localhost", "127.0.0.1"]) await attack(host, page, server, context);
});

async function attack(host: string, page: Page, server: Server, context: BrowserContext): Promise<void> {
  const session = await server.signIn();
  await server.createToken(session, `stays ${host}`);
  const pats = `${server.url}/${organization}/_apis/tokens/pats?api-version=7.1-preview.1`;
  const list = async (): Promise<unknown> => JSON.parse((await server.call("GET",
    `/${organization}/_apis/tokens/pats?api-version=7.1-preview.1&displayFilterOption=all`, session)).body);
  const before = JSON.stringify(await list());
  const body = JSON.stringify({ displayName: "forged", scope: "app_token" });
  const site = await evilSite(host, `
    const ask = (name, url, init) => fetch(url, { credentials: "include", ...init })
      .then((answer) => answer.text().then((text) => [name, answer.type, answer.status, text]))
      .catch((error) => [name, "refused", 0, String(error)]);
    const body = ${JSON.stringify(body)};
    window.done = Promise.all([
      ask("simple", ${JSON.stringify(pats)}, { method: "POST", mode: "no-cors", body,
        headers: { "Content-Type": "text/plain" } }),
      ask("json", ${JSON.stringify(pats)}, { method: "POST", body, headers: { "Content-Type": "application/json" } }),
      ask("header", ${JSON.stringify(pats)}, { method: "POST", body,
        headers: { "Content-Type": "application/json", "X-Latchkey-Request": "1" } }),
      ask("delete", ${JSON.stringify(pats)}, { method: "DELETE" }),
      ask("read", ${JSON.stringify(pats)}, {}),
      ask("me", ${JSON.stringify(`${server.url}/_latchkey/me`)}, {}),
    ]);
    const form = document.createElement("form");
    form.method = "post"; form.action = ${JSON.stringify(pats)}; form.enctype = "text/plain"; form.target = "frame";
    const field = document.createElement("input");
    field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}';
    form.append(field);
    const frame = document.createElement("iframe");
    frame.name = "frame";
    document.body.append(frame, form);
    form.submit();`);
  const evil = await context.newPage();
  await evil.goto(site.url);
  const answers = await evil.evaluate(() => (window as unknown as { done: Promise<[string, string, number, string][]> }).done);
  for (const [name, type, , text] of answers) {
    // Either the browser refused it before it was sent, or nothing of the answer can be read.
    expect([name, type === "refused" || (type === "opaque" && text === "")]).toEqual([name, true]);
  }
  // Nor may a page of ours stand in a frame there.
  const framed = await evil.evaluate((url) => new Promise<boolean>((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      try { resolve(frame.contentWindow?.location.href === url); } catch { resolve(false); }
    };
    frame.src = url;
    document.body.append(frame);
  }), `${server.url}/${organization}/_usersSettings/tokens`);
  expect(framed).toBe(false);
  expect(evil.frames().filter((frame) => frame.url().includes("_usersSettings"))).toEqual([]);
  await evil.waitForTimeout(500);
  site.close();
  expect(JSON.stringify(await list())).toBe(before);
  await page.reload();
  await expect(row(page, `stays ${host}`)).toBeVisible();
  await expect(row(page, "forged")).toHaveCount(0);
}

test("the cookie is for this host, for requests and for no script", async ({ signedIn: page, context }) => {
  const cookies = await context.cookies();
  expect(cookies.map(({ name, httpOnly, secure, sameSite, path }) => ({ name, httpOnly, secure, sameSite, path }))).toEqual([
    { name: "__Host-latchkey-session", httpOnly: true, secure: true, sameSite: "Lax", path: "/" }]);
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("the answer that holds a token is kept by nobody", async ({ signedIn: page }) => {
  const answers: { url: string; control: string | undefined; holds: boolean }[] = [];
  const texts: string[] = [];
  page.on("response", (response) => {
    void response.text().then((text) => {
      answers.push({ url: response.url(), control: response.headers()["cache-control"], holds: /\w{52}JQQJ99/.test(text) });
    }, () => undefined);
  });
  page.on("request", (request) => { texts.push(request.url(), request.headers()["referer"] ?? ""); });
  const secret = await create(page, "kept by nobody");
  await closeSuccess(page);
  await page.reload();
  await expect(row(page, "kept by nobody")).toBeVisible();
  const holding = answers.filter((answer) => answer.holds);
  expect(holding.length).toBe(1);
  expect(holding[0]?.control).toContain("no-store");
  expect(texts.join(" ")).not.toContain(secret.slice(0, 20));
  const stored = await page.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage },
    await indexedDB.databases(), await caches.keys()]));
  expect(stored).not.toContain(secret.slice(0, 20));
});
