// A prefilled link, ?name=&scopes=&expires=: opens the New token panel filled. `expires` is 30, 60,
// 90 or a day (2027-01-31); scopes are separated by spaces, commas or plus signs.

import type { ExpiryChoice } from "./expiry";

export interface Prefill {
  name: string;
  scopes: string[];
  choice: ExpiryChoice;
  day: string;
}

export function parsePrefill(query: string): Prefill | null {
  const parameters = new URLSearchParams(query);
  if (!["name", "scopes", "expires"].some((name) => parameters.has(name))) return null;
  const expires = parameters.get("expires") ?? "30";
  const isDay = /^\d{4}-\d\d-\d\d$/.test(expires);
  return {
    name: (parameters.get("name") ?? "").slice(0, 256),
    scopes: (parameters.get("scopes") ?? "").split(/[\s,+]+/).filter((scope) => scope !== ""),
    choice: expires === "60" || expires === "90" ? expires : isDay ? "custom" : "30",
    day: isDay ? expires : "",
  };
}
