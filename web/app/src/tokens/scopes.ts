// What the check boxes of scopes do. The scopes, their words and what they imply come from the server.

import type { Scope } from "../api/types";

export const fullAccess = "app_token";

export class ScopeSet {
  readonly scopes: readonly Scope[];
  readonly #byId: ReadonlyMap<string, Scope>;
  readonly #closure = new Map<string, ReadonlySet<string>>();

  constructor(scopes: readonly Scope[]) {
    this.scopes = scopes;
    this.#byId = new Map(scopes.map((scope) => [scope.identifier, scope]));
  }

  find(id: string): Scope | undefined {
    return this.#byId.get(id);
  }

  // What `id` implies, transitively, without itself.
  implied(id: string): ReadonlySet<string> {
    const known = this.#closure.get(id);
    if (known) return known;
    const found = new Set<string>();
    const open = [...(this.#byId.get(id)?.implies ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === "*") {
        for (const scope of this.scopes) if (scope.identifier !== id) found.add(scope.identifier);
      } else if (!found.has(next)) {
        found.add(next);
        open.push(...(this.#byId.get(next)?.implies ?? []));
      }
    }
    this.#closure.set(id, found);
    return found;
  }

  // All that a set of chosen scopes implies.
  impliedBy(chosen: ReadonlySet<string>): Set<string> {
    const all = new Set<string>();
    for (const id of chosen) for (const implied of this.implied(id)) all.add(implied);
    return all;
  }

  // Ticks or unticks `id`; what the rest then implies is no longer chosen by itself.
  toggle(chosen: ReadonlySet<string>, id: string, on: boolean): Set<string> {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    return this.reduce(next);
  }

  reduce(chosen: ReadonlySet<string>): Set<string> {
    const implied = this.impliedBy(chosen);
    return new Set([...chosen].filter((id) => !implied.has(id)));
  }

  // The wire form, in the server's order.
  format(chosen: ReadonlySet<string>): string {
    return this.scopes.filter((scope) => chosen.has(scope.identifier))
      .map((scope) => scope.identifier).join(" ");
  }

  // "Code: Read & write; Build: Read".
  describe(scope: string, fullAccessText: string): string {
    if (scope === fullAccess) return fullAccessText;
    const groups = new Map<string, string[]>();
    for (const id of scope.split(" ")) {
      const found = this.#byId.get(id);
      const category = found?.category ?? id;
      groups.set(category, [...(groups.get(category) ?? []), found?.level ?? ""]);
    }
    return [...groups].map(([category, levels]) =>
      levels.join("") === "" ? category : `${category} (${levels.join(", ")})`).join("; ");
  }
}

export interface ScopeGroup {
  category: string;
  scopes: Scope[];
}

// The groups that people see first, in this order, behind those that were declared for the APIs here; the rest
// follows behind "Show all scopes".
const firstCategories =
  ["Work Items", "Code", "Build", "Release", "Test Management", "Packaging"];

export function groupScopes(scopes: readonly Scope[]): { first: ScopeGroup[]; rest: ScopeGroup[] } {
  const groups = new Map<string, Scope[]>();
  for (const scope of scopes) {
    if (!scope.shown || !scope.grantable) continue;
    groups.set(scope.category, [...(groups.get(scope.category) ?? []), scope]);
  }
  const all = [...groups].map(([category, members]) => ({ category, scopes: members }));
  const isDeclared = (group: ScopeGroup): boolean => group.scopes[0]?.origin === "declared";
  const declared = all.filter(isDeclared).sort((a, b) => a.category.localeCompare(b.category));
  const first = [...declared,
    ...firstCategories.flatMap((name) => all.filter((group) => group.category === name))];
  const rest = all.filter((group) => !isDeclared(group) && !firstCategories.includes(group.category))
    .sort((a, b) => a.category.localeCompare(b.category));
  return { first, rest };
}

export function matchesSearch(scope: Scope, words: string): boolean {
  const text = `${scope.category} ${scope.level} ${scope.identifier} ${scope.description}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
