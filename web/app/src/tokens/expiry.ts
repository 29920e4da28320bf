// Choices of expiry, as rules L32 to L35 of docs/spec/lifecycle-api.md say. Dates are UTC.

export type ExpiryChoice = "30" | "60" | "90" | "custom";

const dayMs = 86_400_000;
const endOfDay = "T23:59:59.999Z";

export const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

// 30, 60 or 90 times 24 hours from now.
export const afterDays = (now: Date, days: number): Date => new Date(now.getTime() + days * dayMs);

// The last day that may be chosen: the same one next year; from 29 February, 28 February.
export function latestDay(now: Date): string {
  const year = now.getUTCFullYear() + 1;
  const month = now.getUTCMonth();
  const date = month === 1 && now.getUTCDate() === 29 ? 28 : now.getUTCDate();
  return dayOf(new Date(Date.UTC(year, month, date)));
}

// The end of a chosen day; null for what is no day.
export function endOf(day: string): Date | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return null;
  const time = new Date(day + endOfDay);
  return Number.isNaN(time.getTime()) || dayOf(time) !== day ? null : time;
}

export type ExpiryProblem = "missing" | "past" | "tooFar";

export function checkDay(day: string, now: Date): ExpiryProblem | null {
  const end = endOf(day);
  if (end === null) return "missing";
  if (end.getTime() <= now.getTime()) return "past";
  return day > latestDay(now) ? "tooFar" : null;
}

// The moment that is sent for a choice.
export function validTo(choice: ExpiryChoice, day: string, now: Date): Date | null {
  return choice === "custom" ? endOf(day) : afterDays(now, Number(choice));
}
