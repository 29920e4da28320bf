// Which scope opens an operation? Operations are those of this server (its OpenAPI document) and of
// Azure DevOps (spec/azure-devops/operations.jsonl). Any one of an operation's scopes is enough.

import type { ScopeSet } from "./scopes";

export interface Operation {
  method: string;
  host: string;  // empty: this server
  path: string;
  name: string;
  scopes: string[];
  anyToken: boolean;      // a token of any scope opens it
  isRefused: boolean;     // no token opens it, whatever its scopes
}

interface OpenApiOperation {
  operationId?: string;
  summary?: string;
  security?: Record<string, string[]>[];
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, OpenApiOperation>>;
}

const methods = ["get", "put", "post", "delete", "options", "head", "patch"];

export function ownOperations(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, entries]) =>
    Object.entries(entries).filter(([method]) => methods.includes(method)).map(([method, entry]) => {
      const ways = entry.security ?? [];
      const byToken = ways.flatMap((way) => way["personalAccessToken"] ? [way["personalAccessToken"]] : []);
      const isOpen = ways.some((way) => Object.keys(way).length === 0);
      const scopes = byToken.flat();
      return {
        method: method.toUpperCase(), host: "", path, name: entry.summary ?? entry.operationId ?? "", scopes,
        anyToken: (byToken.length > 0 && scopes.length === 0) || (isOpen && scopes.length === 0),
        isRefused: byToken.length === 0 && !isOpen,
      };
    }));
}

interface SpecOperation {
  host: string;
  method: string;
  path: string;
  operationId: string;
  scopes: string[];
}

export function specOperations(lines: string): Operation[] {
  return lines.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const row = JSON.parse(line) as SpecOperation;
    return {
      method: row.method.toUpperCase(), host: row.host, path: row.path.split("?")[0] ?? row.path,
      name: row.operationId.replace(/_/g, " › "), scopes: row.scopes,
      anyToken: row.scopes.length === 0, isRefused: false,
    };
  });
}

// The number of concrete segments that agree, or -1 when the path does not match the template.
function scorePath(template: string, path: string): number {
  const wanted = template.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return -1;
  let score = 0;
  for (let at = 0; at < wanted.length; ++at) {
    const part = wanted[at] ?? "";
    if (part.includes("{")) continue;
    if (part.toLowerCase() !== given[at]?.toLowerCase()) return -1;
    ++score;
  }
  return score;
}

const methodPattern = /^(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH)\s+/i;

export interface Request {
  method: string;  // empty: any
  host: string;    // empty: not told
  path: string;
}

// "GET https://host/path?query", "curl -X POST https://...", "/path"; null when it is none of these.
export function parseRequest(text: string): Request | null {
  let rest = text.trim();
  let method = "";
  if (/^curl\s/i.test(rest)) {
    method = /\s-(?:X|-request)\s*['"]?([A-Za-z]+)/.exec(rest)?.[1]?.toUpperCase() ??
      (/\s(-d|--data\S*|--json)\s/.test(rest) ? "POST" : "GET");
    rest = /https?:\/\/[^\s'"]+/.exec(rest)?.[0] ?? "";
  }
  const found = methodPattern.exec(rest);
  if (found) {
    method = (found[1] ?? "").toUpperCase();
    rest = rest.slice(found[0].length);
  }
  const url = /^(?:https?:\/\/([^/\s]+))?(\/[^\s?#]*)/.exec(rest);
  if (!url) return null;
  return { method, host: (url[1] ?? "").toLowerCase(), path: url[2] ?? "/" };
}

export function findOperations(operations: readonly Operation[], text: string, most = 12): Operation[] {
  const request = parseRequest(text);
  if (request) {
    const scored = operations.map((operation) => {
      const isMethod = request.method === "" || request.method === operation.method;
      const score = isMethod ? scorePath(operation.path, request.path) : -1;
      const bonus = operation.host !== "" && operation.host === request.host ? 0.5 : 0;
      return { operation, score: score < 0 ? -1 : score + bonus + (operation.host === "" ? 0.25 : 0) };
    }).filter((row) => row.score >= 0).sort((a, b) => b.score - a.score);
    return scored.slice(0, most).map((row) => row.operation);
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return operations.filter((operation) => {
    const where = `${operation.method} ${operation.path} ${operation.name} ${operation.scopes.join(" ")}`.toLowerCase();
    return words.every((word) => where.includes(word));
  }).slice(0, most);
}

// The scope that gives least among those that would do: fewest implied, not of high privilege first.
export function smallestScope(set: ScopeSet, ids: readonly string[]): string | null {
  const usable = ids.filter((id) => set.find(id)?.grantable);
  const weight = (id: string): number =>
    set.implied(id).size + (set.find(id)?.highPrivilege ? 1000 : 0) + (set.find(id)?.shown ? 0 : 500);
  return [...usable].sort((a, b) => weight(a) - weight(b))[0] ?? null;
}
