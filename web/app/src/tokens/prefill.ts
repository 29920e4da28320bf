// A prefilled link, ?new=1&name=&scopes=&expires=: opens the New token panel filled. `expires` is 30, 60,
// 90 or a day (2027-01-31); scopes are separated by spaces, commas or plus signs. Refusals of a gate lead here.
// A link comes from anywhere: what it says is bounded, and nothing is made or chosen for good by it.

import type { ExpiryChoice } from "./expiry";
import { fullAccess, type ScopeSet } from "./scopes";

export interface Prefill {
  name: string;
  scopes: string[];
  choice: ExpiryChoice;
  day: string;
}

// As the form splits what a link asks for: what it takes, and what a person must know of.
export interface Wanted {
  scopes: string[];
  unknown: string[];  // nobody can give them here
  isFull: boolean;    // full access is chosen by a person only
}

const nameMax = 256;
const scopesMax = 50;
const scopeLengthMax = 100;

export function parsePrefill(query: string): Prefill | null {
  const parameters = new URLSearchParams(query);
  if (!["new", "name", "scopes", "expires"].some((name) => parameters.has(name))) return null;
  const expires = parameters.get("expires") ?? "30";
  const isDay = /^\d{4}-\d\d-\d\d$/.test(expires);
  return {
    name: (parameters.get("name") ?? "").replace(/\p{Cc}+/gu, " ").trim().slice(0, nameMax),
    scopes: (parameters.get("scopes") ?? "").split(/[\s,+]+/).filter((scope) => scope !== "").slice(0, scopesMax)
      .map((scope) => scope.slice(0, scopeLengthMax)),
    choice: expires === "60" || expires === "90" ? expires : isDay ? "custom" : "30",
    day: isDay ? expires : "",
  };
}

export function sortOut(prefill: Prefill | null, set: ScopeSet): Wanted {
  const asked = [...new Set(prefill?.scopes ?? [])];
  const isGiven = (id: string): boolean => id !== fullAccess && set.find(id)?.grantable === true;
  return {
    scopes: asked.filter(isGiven),
    unknown: asked.filter((id) => id !== fullAccess && !isGiven(id)),
    isFull: asked.includes(fullAccess),
  };
}
