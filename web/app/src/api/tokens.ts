// The calls about tokens. A token's text leaves here only inside a Secret.

import { call, get, pathOf } from "./client";
import type { Collection, Scope, Token } from "./types";
import { Secret } from "../base/secret";

const version = "api-version=7.2-preview.1";

interface WireToken extends Token {
  token: string | null;
}

interface Result {
  patToken: WireToken;
}

export interface Issued {
  token: Token;
  secret: Secret;
}

export interface TokenWish {
  displayName: string;
  scope: string;
  validTo: string;
}

export type TokenFilter = "active" | "revoked" | "expired" | "all";
export type TokenSort = "displayName" | "status" | "expiresOn" | "lastUsedOn" | "createdOn";

export interface ListQuery {
  filter: TokenFilter;
  sort: TokenSort;
  ascending: boolean;
  search: string;
  top?: number;
  continuationToken?: string;
}

export interface TokenPage {
  tokens: Token[];
  continuationToken: string;
}

function split(result: Result): Issued {
  const { token, ...rest } = result.patToken;
  return { token: rest, secret: new Secret(token ?? "") };
}

export async function listTokens(
  organization: string, query: ListQuery, signal?: AbortSignal,
): Promise<TokenPage> {
  const parameters = new URLSearchParams({
    displayFilterOption: query.filter,
    sortByOption: query.sort,
    isSortAscending: String(query.ascending),
    $top: String(query.top ?? 50),
  });
  if (query.search !== "") parameters.set("search", query.search);
  if (query.continuationToken) parameters.set("continuationToken", query.continuationToken);
  const page = await get<{ patTokens: Token[]; continuationToken: string }>(
    `${pathOf`/${organization}/_apis/tokens/pats`}?${version}&${parameters.toString()}`, signal);
  return { tokens: page.patTokens, continuationToken: page.continuationToken };
}

export async function createToken(organization: string, wish: TokenWish, idempotencyKey: string): Promise<Issued> {
  const body = { ...wish, allOrgs: false };
  return split(await call<Result>(
    "POST", `${pathOf`/${organization}/_apis/tokens/pats`}?${version}`, { body, idempotencyKey }));
}

export async function updateToken(organization: string, id: string, wish: TokenWish): Promise<Token> {
  const body = { ...wish, authorizationId: id };
  const result = await call<Result>("PUT", `${pathOf`/${organization}/_apis/tokens/pats`}?${version}`, { body });
  return result.patToken;
}

export async function regenerateToken(
  organization: string, id: string, validTo: string | null, idempotencyKey: string,
): Promise<Issued> {
  const path = `${pathOf`/${organization}/_apis/tokens/pats/${id}/regenerate`}?${version}`;
  return split(await call<Result>("POST", path, { body: validTo === null ? {} : { validTo }, idempotencyKey }));
}

export async function revokeToken(organization: string, id: string): Promise<void> {
  await call<null>(
    "DELETE", `${pathOf`/${organization}/_apis/tokens/pats`}?authorizationId=${encodeURIComponent(id)}&${version}`);
}

export async function listScopes(signal?: AbortSignal): Promise<Scope[]> {
  return (await get<Collection<Scope>>("/_latchkey/scopes", signal)).value;
}

export interface UsageDay {
  day: string;  // 2026-12-01, UTC
  allowed: number;
  refused: number;
}

export interface UsageSum {
  allowed: number;
  refused: number;
}

export interface UsageList {
  byToken: ReadonlyMap<string, UsageSum>;  // those with a use
  isComplete: boolean;                     // whether one that is not here had none
}

// What the last `days` days add up to, for one's own tokens.
export async function listUsage(organization: string, days: number, signal?: AbortSignal): Promise<UsageList> {
  const path = `${pathOf`/_latchkey/organizations/${organization}/usage`}?days=${days}`;
  const list = await get<{ isComplete: boolean; value: (UsageSum & { authorizationId: string })[] }>(path, signal);
  return { byToken: new Map(list.value.map((sum) => [sum.authorizationId, sum])), isComplete: list.isComplete };
}

// The days on which the token was used, of the last 90.
export async function getTokenUsage(organization: string, id: string, signal?: AbortSignal): Promise<UsageDay[]> {
  const path = pathOf`/_latchkey/organizations/${organization}/tokens/${id}/usage`;
  return (await get<{ days: UsageDay[] }>(path, signal)).days;
}
