// Dates as people read them: in their locale; days of expiry in UTC, where the rule is.

import { defineTexts } from "./texts";

const texts = defineTexts({
  en: { never: "Never", today: "today", utc: (text: string) => `${text} UTC` },
});

const locale = typeof navigator === "undefined" ? undefined : navigator.language;
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const dayTimeUtc = new Intl.DateTimeFormat(locale, {
  dateStyle: "medium", timeStyle: "medium", timeZone: "UTC",
});
const dayTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const dayMs = 86_400_000;

export const formatDayUtc = (text: string): string => day.format(new Date(text));
export const formatInstantUtc = (text: string): string => texts.utc(dayTimeUtc.format(new Date(text)));
export const formatInstant = (text: string | null): string =>
  text === null ? texts.never : dayTime.format(new Date(text));

// "in 5 days", "2 hours ago": the largest unit that is at least one.
export function formatRelative(text: string, now: number): string {
  const difference = new Date(text).getTime() - now;
  const size = Math.abs(difference);
  if (size < 60_000) return relative.format(Math.trunc(difference / 1000), "second");
  if (size < 3_600_000) return relative.format(Math.trunc(difference / 60_000), "minute");
  if (size < dayMs) return relative.format(Math.trunc(difference / 3_600_000), "hour");
  if (size < 60 * dayMs) return relative.format(Math.trunc(difference / dayMs), "day");
  return relative.format(Math.trunc(difference / (30 * dayMs)), "month");
}

export function daysUntil(text: string, now: number): number {
  return (new Date(text).getTime() - now) / dayMs;
}
