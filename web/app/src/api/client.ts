// The one way to the server. A call gives its answer, or throws an ApiError whose message can be shown.
//
// When the session is over, the call waits while the person signs in again (setSessionKeeper) and is
// then sent once more: a refused call did nothing, so nothing is done twice. A call that got no
// answer is repeated by itself, once, only if it carries an Idempotency-Key.

import { defineTexts } from "../base/texts";

const texts = defineTexts({
  en: {
    noAnswer: "The server did not answer. Check the connection and try again.",
    busy: "The server is busy. Try again in a moment.",
    tooMany: (seconds: string) => `Too many attempts. Try again in ${seconds} seconds.`,
    failed: (status: number) => `The server could not do this (status ${status}).`,
  },
});

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiErrorParts {
  status: number;  // 0: no answer
  message: string;
  typeKey?: string;
  field?: string;
  patTokenError?: string;
}

export class ApiError extends Error {
  readonly status: number;
  readonly typeKey: string;
  readonly field: string;
  readonly patTokenError: string;

  constructor(parts: ApiErrorParts) {
    super(parts.message);
    this.status = parts.status;
    this.typeKey = parts.typeKey ?? "";
    this.field = parts.field ?? "";
    this.patTokenError = parts.patTokenError ?? "";
  }

  // The change may or may not have been done.
  get isUncertain(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

// A 401 that is about a password in the call, not about the session.
export const wrongPassword = "SignInRefusedException";

type SessionKeeper = () => Promise<boolean>;
let keeper: SessionKeeper | null = null;

// `ask` is called when a session ended; it resolves to true when the person signed in again.
export function setSessionKeeper(ask: SessionKeeper | null): void {
  keeper = ask;
}

export interface CallOptions {
  body?: unknown;
  signal?: AbortSignal;
  isSignIn?: boolean;  // a 401 is the answer itself, not the end of a session
  idempotencyKey?: string;  // the server does the same call with the same key once
}

const retryPauseMs = 500;

async function send(method: Method, path: string, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { "X-Latchkey-Request": "1", Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = `"${options.idempotencyKey}"`;
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError({ status: 0, message: texts.noAnswer });
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== "object" || value === null) return "";
  const found: unknown = Reflect.get(value, name);
  return typeof found === "string" ? found : "";
}

async function readBody(response: Response): Promise<unknown> {
  try {
    const text = await response.text();
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    if (response.ok) throw new ApiError({ status: 0, message: texts.noAnswer });
    return null;
  }
}

function errorOf(response: Response, body: unknown): ApiError {
  let message = textOf(body, "message") || texts.failed(response.status);
  if (response.status === 503) message = texts.busy;
  if (response.status === 429) message = texts.tooMany(response.headers.get("Retry-After") ?? "30");
  return new ApiError({
    status: response.status, message, typeKey: textOf(body, "typeKey"), field: textOf(body, "field"),
  });
}

async function once(method: Method, path: string, options: CallOptions): Promise<unknown> {
  const response = await send(method, path, options);
  const body = await readBody(response);
  if (!response.ok) throw errorOf(response, body);
  const business = textOf(body, "patTokenError");
  if (business !== "" && business !== "none") {
    throw new ApiError({
      status: 200, message: textOf(body, "patTokenErrorMessage") || business, patTokenError: business,
    });
  }
  return body;
}

// An answer that was lost is asked for again when that cannot do the change twice.
async function answered(method: Method, path: string, options: CallOptions): Promise<unknown> {
  try {
    return await once(method, path, options);
  } catch (error) {
    const isLost = error instanceof ApiError && error.status === 0;
    if (!isLost || options.idempotencyKey === undefined) throw error;
    await new Promise((resolve) => setTimeout(resolve, retryPauseMs));
    return once(method, path, options);
  }
}

export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  try {
    return (await answered(method, path, options)) as T;
  } catch (error) {
    const isEnd = error instanceof ApiError && error.status === 401 && !options.isSignIn &&
      error.typeKey !== wrongPassword;
    if (!isEnd || keeper === null || !(await keeper())) throw error;
    return (await answered(method, path, options)) as T;
  }
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>("GET", path, { signal });

export function pathOf(strings: TemplateStringsArray, ...values: string[]): string {
  return strings.map((part, at) => part + (at < values.length ? encodeURIComponent(values[at] ?? "") : ""))
    .join("");
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : texts.noAnswer;
