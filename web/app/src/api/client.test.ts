import { webcrypto } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AttemptKeeper } from "../hooks/attempt";
import { ApiError, call } from "./client";
import { createToken, regenerateToken } from "./tokens";

interface Sent { path: string; headers: Record<string, string> }

// A server that gives these answers in turn; null is an answer that is lost on the way.
function serve(answers: (Response | null)[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push({ path, headers: init.headers as Record<string, string> });
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("Failed to fetch"));
  });
  return sent;
}

const issued = (): Response => Response.json({
  patToken: { authorizationId: "1", displayName: "a", token: "text" }, patTokenError: "none" });
const wish = { displayName: "a", scope: "vso.project", validTo: "2027-01-01T00:00:00Z" };

beforeEach(() => { vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 100 }); });
afterEach(() => { vi.unstubAllGlobals(); vi.useRealTimers(); });

describe("a call whose answer is lost", () => {
  it("is sent once more with the same key", async () => {
    const sent = serve([null, issued()]);
    expect((await createToken("fabrikam", wish, "k")).token.displayName).toBe("a");
    expect(sent.map((one) => one.headers["Idempotency-Key"])).toEqual(['"k"', '"k"']);
  });

  it("is sent once more when the answer breaks off", async () => {
    const sent = serve([new Response('{"patToken":', { status: 200 }), issued()]);
    await regenerateToken("fabrikam", "1", null, "k");
    expect(sent).toHaveLength(2);
  });

  it("is given up after the second time", async () => {
    const sent = serve([null, null, issued()]);
    await expect(createToken("fabrikam", wish, "k")).rejects.toMatchObject({ status: 0 });
    expect(sent).toHaveLength(2);
  });

  it("is not sent again without a key", async () => {
    const sent = serve([null, issued()]);
    await expect(call("POST", "/x", { body: {} })).rejects.toBeInstanceOf(ApiError);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers["Idempotency-Key"]).toBeUndefined();
  });

  it("is not sent again when it was refused", async () => {
    const sent = serve([Response.json({ message: "No." }, { status: 409 }), issued()]);
    await expect(createToken("fabrikam", wish, "k")).rejects.toMatchObject({ status: 409, message: "No." });
    expect(sent).toHaveLength(1);
  });
});

describe("an attempt", () => {
  beforeEach(() => { vi.stubGlobal("crypto", webcrypto); });  // Node.js 18 has no such global
  it("keeps its key and its wish while the form says the same", () => {
    const attempts = new AttemptKeeper<object, number>();
    const values = {};
    let made = 0;
    const first = attempts.of(values, () => ++made);
    expect(first).toEqual({ key: expect.stringMatching(/^[0-9a-f]{32}$/), wish: 1, isNew: true });
    expect(attempts.of(values, () => ++made)).toEqual({ ...first, isNew: false });
    const other = attempts.of({}, () => ++made);
    expect(other).toMatchObject({ wish: 2, isNew: true });
    expect(other.key).not.toBe(first.key);
    attempts.forget();
    expect(attempts.of({}, () => ++made).key).not.toBe(other.key);
  });

  it("is none when there is nothing to ask for", () => {
    const attempts = new AttemptKeeper<object, number>();
    const values = {};
    expect(() => attempts.of(values, () => { throw new Error("no day"); })).toThrow("no day");
    expect(attempts.of(values, () => 1).isNew).toBe(true);
  });
});
