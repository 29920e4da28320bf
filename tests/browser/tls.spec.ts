// The pages within TLS: the policy holds, the cookie is for https only, and all works as without.

import { closeSuccess, create, expect, signIn, test, watch } from "./fixture";
import { Server, organization } from "./server";

test.use({ ignoreHTTPSErrors: true });

test("signing in, making a token and coming back within TLS", async ({ page, context }) => {
  const server = new Server();
  await server.start(server.makeCertificate());
  try {
    server.setUp();
    const problems = watch(page);
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) foreign.push(request.url());
    });
    await page.goto(`${server.url}/${organization}/_usersSettings/tokens`);
    await signIn(page);
    const text = await create(page, "within tls");
    expect(text).toHaveLength(84);
    await closeSuccess(page);
    await page.reload();
    await expect(page.getByRole("row").filter({ hasText: "within tls" })).toBeVisible();
    const [cookie] = (await context.cookies()).filter((each) => each.name === "__Host-latchkey-session");
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, path: "/", sameSite: "Lax" });
    expect(foreign).toEqual([]);
    expect(problems).toEqual([]);
  } finally {
    await server.stop();
  }
});
