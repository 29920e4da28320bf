// How tokens were used, day by day as the chart draws it, and summed as the list shows it.

import type { UsageDay, UsageList, UsageSum } from "../api/tokens";

export const daysShown = 90;
export const daysListed = 30;
const dayMs = 86_400_000;

// The last `daysShown` days up to today (UTC), those without a use as zeros.
export function fillDays(days: readonly UsageDay[], now: number): UsageDay[] {
  const known = new Map(days.map((entry) => [entry.day, entry]));
  const filled: UsageDay[] = [];
  for (let back = daysShown - 1; back >= 0; back -= 1) {
    const day = new Date(now - back * dayMs).toISOString().slice(0, 10);
    filled.push(known.get(day) ?? { day, allowed: 0, refused: 0 });
  }
  return filled;
}

export interface UsageSums {
  allowed: number;
  refused: number;
  days: number;  // with a use
  most: number;  // of one day, at least 1
}

export function sumsOf(days: readonly UsageDay[]): UsageSums {
  const sums: UsageSums = { allowed: 0, refused: 0, days: 0, most: 1 };
  for (const { allowed, refused } of days) {
    sums.allowed += allowed;
    sums.refused += refused;
    if (allowed + refused > 0) sums.days += 1;
    sums.most = Math.max(sums.most, allowed + refused);
  }
  return sums;
}

// The sum of one token; undefined where it is not known.
export function sumOf(list: UsageList | undefined, id: string): UsageSum | undefined {
  return list?.byToken.get(id) ?? (list?.isComplete ? { allowed: 0, refused: 0 } : undefined);
}
