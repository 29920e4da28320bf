// When tokens expire, in the days and months that people plan by.

import type { Token } from "../api/types";
import { daysUntil } from "../base/dates";

export interface Bucket {
  key: "week" | "fortnight" | string;  // otherwise the month, 2027-01
  tokens: Token[];
}

// The next 7 days, the 7 after them, then month by month (UTC) to the last that has tokens.
export function bucketsOf(tokens: readonly Token[], now: number): Bucket[] {
  const sorted = [...tokens].sort((a, b) => a.validTo.localeCompare(b.validTo));
  const buckets = new Map<string, Token[]>([["week", []], ["fortnight", []]]);
  for (const token of sorted) {
    const days = daysUntil(token.validTo, now);
    const key = days < 7 ? "week" : days < 14 ? "fortnight" : token.validTo.slice(0, 7);
    buckets.set(key, [...(buckets.get(key) ?? []), token]);
  }
  return [...buckets].map(([key, members]) => ({ key, tokens: members }));
}
