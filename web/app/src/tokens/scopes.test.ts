import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Scope } from "../api/types";
import { findOperations, ownOperations, parseRequest, smallestScope, specOperations, type OpenApiDocument } from "./finder";
import { parsePrefill, sortOut } from "./prefill";
import { ScopeSet, groupScopes, matchesSearch } from "./scopes";

const spec = (path: string): string =>
  readFileSync(new URL(`../../../../spec/${path}`, import.meta.url), "utf8");

interface Row { scope: string; category: string; access: string; description: string; implies: string[];
  impliesAll: string[]; highPrivilege: boolean; shown: boolean; grantable: boolean }
const rows = JSON.parse(spec("azure-devops/scopes.json")) as Row[];
const scopes: Scope[] = rows.map((row) => ({ ...row, identifier: row.scope, level: row.access }));
const set = new ScopeSet(scopes);
const operations = [...ownOperations(JSON.parse(spec("openapi.json")) as OpenApiDocument),
  ...specOperations(spec("azure-devops/operations.jsonl"))];

describe("scopes", () => {
  it("closes as the source says", () => {
    for (const row of rows.filter((entry) => !entry.implies.includes("*"))) {
      expect([...set.implied(row.scope)].sort(), row.scope).toEqual([...row.impliesAll].sort());
    }
  });

  it("ticks what a level implies, and takes it back with the level", () => {
    const low = set.toggle(new Set(), "vso.code", true);
    const high = set.toggle(low, "vso.code_manage", true);
    expect(set.format(high)).toBe("vso.code_manage");
    expect(set.impliedBy(high).has("vso.code")).toBe(true);
    expect(set.toggle(high, "vso.code_manage", false).size).toBe(0);
  });

  it("writes scopes in the server's order", () => {
    expect(set.format(new Set(["vso.work", "vso.build"]))).toBe("vso.build vso.work");
  });

  it("describes a token", () => {
    expect(set.describe("vso.code_write vso.work", "Full access"))
      .toBe("Code (Read & write); Work Items (Read)");
    expect(set.describe("app_token", "Full access")).toBe("Full access");
  });

  it("shows six groups first and the rest by name", () => {
    const { first, rest } = groupScopes(scopes);
    expect(first.map((group) => group.category)).toEqual(
      ["Work Items", "Code", "Build", "Release", "Test Management", "Packaging"]);
    expect(rest.length).toBeGreaterThan(20);
    expect([...first, ...rest].flatMap((group) => group.scopes).every((scope) => scope.shown)).toBe(true);
  });

  it("shows what was declared for the APIs here before all", () => {
    const declared: Scope = { identifier: "acme.read", category: "Acme orders", level: "Read", description: "Reads.",
      implies: [], highPrivilege: false, shown: true, grantable: true, origin: "declared" };
    const withdrawn: Scope = { ...declared, identifier: "acme.gone", category: "Acme gone", shown: false,
      grantable: false, origin: "withdrawn" };
    const { first, rest } = groupScopes([...scopes, declared, withdrawn]);
    expect(first.map((group) => group.category).slice(0, 2)).toEqual(["Acme orders", "Work Items"]);
    expect([...first, ...rest].some((group) => group.category === "Acme gone")).toBe(false);
    expect(rest.some((group) => group.category === "Acme orders")).toBe(false);
  });

  it("finds by any words", () => {
    const found = scopes.filter((scope) => matchesSearch(scope, "wiki write"));
    expect(found.map((scope) => scope.identifier)).toContain("vso.wiki_write");
  });
});

describe("finder", () => {
  it("reads what people paste", () => {
    expect(parseRequest("POST https://dev.azure.com/o/_apis/projects?api-version=7.1"))
      .toEqual({ method: "POST", host: "dev.azure.com", path: "/o/_apis/projects" });
    expect(parseRequest("curl -u :x 'https://h/o/_apis/projects'"))
      .toEqual({ method: "GET", host: "h", path: "/o/_apis/projects" });
    expect(parseRequest("/o/_apis/projects")?.method).toBe("");
    expect(parseRequest("list projects")).toBeNull();
  });

  it("gives the smallest scope", () => {
    const [own] = findOperations(operations, "POST http://127.0.0.1:8080/fabrikam/_apis/projects");
    expect(own?.host).toBe("");
    expect(smallestScope(set, own?.scopes ?? [])).toBe("vso.project_manage");
    const [list] = findOperations(operations, "GET https://dev.azure.com/fabrikam/_apis/projects");
    expect(smallestScope(set, list?.scopes ?? [])).toBe("vso.profile");
  });

  it("says that no token opens the tokens' own routes", () => {
    const [own] = findOperations(operations, "POST http://127.0.0.1/fabrikam/_apis/tokens/pats");
    expect(own?.isRefused).toBe(true);
  });

  it("searches by words", () => {
    expect(findOperations(operations, "maven download").length).toBeGreaterThan(0);
  });
});

describe("prefilled link", () => {
  it("is read, and nothing when there is none", () => {
    expect(parsePrefill("?name=ci&scopes=vso.code+vso.build&expires=90"))
      .toEqual({ name: "ci", scopes: ["vso.code", "vso.build"], choice: "90", day: "" });
    expect(parsePrefill("?expires=2027-01-31")?.choice).toBe("custom");
    expect(parsePrefill("?other=1")).toBeNull();
    expect(parsePrefill("?new=1")).toEqual({ name: "", scopes: [], choice: "30", day: "" });
  });

  it("is bounded, and its name is one line", () => {
    const long = parsePrefill(`?name=${"n".repeat(5000)}&scopes=${"a.b+".repeat(5000)}${"x".repeat(5000)}`);
    expect(long?.name.length).toBe(256);
    expect(long?.scopes.length).toBe(50);
    expect(parsePrefill(`?scopes=${"x".repeat(5000)}`)?.scopes[0]?.length).toBe(100);
    expect(parsePrefill("?name=a%0d%0ab%00c")?.name).toBe("a b c");
  });

  it("chooses what can be given, once, and never full access", () => {
    const wanted = sortOut(parsePrefill("?scopes=vso.code+vso.code+app_token+vso.pats+acme.read+user_impersonation"), set);
    expect(wanted).toEqual({
      scopes: ["vso.code"], unknown: ["vso.pats", "acme.read", "user_impersonation"], isFull: true,
    });
    expect(sortOut(null, set)).toEqual({ scopes: [], unknown: [], isFull: false });
  });
});
