// The real binary, on free ports with its data in a temporary folder, and calls to it as a program
// makes them.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export const binary = process.env.LATCHKEY_BINARY ?? "../../build/dev/latchkey";
export const email = "ada@example.com";
export const password = "correct horse battery staple";
export const organization = "fabrikam";

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")));
    });
  });
}

interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

export class Server {
  readonly folder = mkdtempSync(path.join(tmpdir(), "latchkey-browser-"));
  url = "";
  setupLink = "";
  #process: ChildProcess | null = null;

  async start(options: string[] = []): Promise<void> {
    const [port, operationsPort] = [await freePort(), await freePort()];
    this.url = `${options.includes("--tls-key-file") ? "https" : "http"}://127.0.0.1:${port}`;
    const child = spawn(binary, ["serve", "--data", path.join(this.folder, "data"), "--port", String(port),
      "--operations-port", String(operationsPort), ...options], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    let text = "";
    await new Promise<void>((resolve, reject) => {
      const look = (chunk: Buffer): void => {
        text += chunk.toString();
        this.setupLink = /\S+\/_latchkey\/link#\S+/.exec(text)?.[0] ?? "";
        if (/Open http/.test(text)) resolve();
      };
      child.stdout?.on("data", look);
      child.stderr?.on("data", look);
      child.on("exit", () => reject(new Error(`the server ended:\n${text}`)));
      setTimeout(() => reject(new Error(`the server did not start:\n${text}`)), 30_000).unref();
    });
  }

  // A certificate that signs itself, as options of start().
  makeCertificate(): string[] {
    const [certificate, key] = [path.join(this.folder, "chain.pem"), path.join(this.folder, "key.pem")];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-noenc", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
      "-keyout", key, "-out", certificate], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    return ["--tls-certificate-file", certificate, "--tls-key-file", key];
  }

  setUp(): void {
    const result = spawnSync(binary, ["setup", "--data", path.join(this.folder, "data"), "--organization", organization,
      "--email", email, "--name", "Ada", "--password-stdin"],
    { input: `${password}\n`, encoding: "utf8", env: { ...process.env, HOME: this.folder } });
    if (result.status !== 0) throw new Error(result.stderr);
  }

  // Waits for the end: a server that stops still writes its snapshot.
  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.removeAllListeners("exit");
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async call(method: string, target: string, session: string, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = session === "" ? {} : { Authorization: `Bearer ${session}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    const answer = await fetch(this.url + target, init);
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  }

  async signIn(login = email, word = password): Promise<string> {
    const answer = await this.call("POST", "/_latchkey/sessions", "", { email: login, password: word });
    return (JSON.parse(answer.body) as { session: { token: string } }).session.token;
  }

  async createToken(session: string, displayName: string, scope = "vso.project", days = 30): Promise<string> {
    const validTo = new Date(Date.now() + days * 86_400_000).toISOString();
    const answer = await this.call("POST", `/${organization}/_apis/tokens/pats?api-version=7.1-preview.1`, session,
      { displayName, scope, validTo, allOrgs: false });
    return (JSON.parse(answer.body) as { patToken: { token: string } }).patToken.token;
  }

  // Uses a token as people do: curl, Basic. Gives the status.
  use(token: string, target = `/${organization}/_apis/projects?api-version=7.1`): number {
    const result = spawnSync("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", `:${token}`, this.url + target],
      { encoding: "utf8" });
    return Number(result.stdout);
  }

  // Adds a member of `role` with `word` as password.
  async addPerson(owner: string, login: string, role: string, word: string): Promise<void> {
    const made = await this.call("POST", `/_latchkey/organizations/${organization}/invitations`, owner,
      { email: login, role });
    const { link } = JSON.parse(made.body) as { link: string };
    const accepted = await this.call("POST", "/_latchkey/invitations/accept", "",
      { code: link.split("#")[1], displayName: login.split("@")[0], password: word });
    if (accepted.status !== 201) throw new Error(accepted.body);
  }
}
