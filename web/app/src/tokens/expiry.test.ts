import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { afterDays, checkDay, endOf, latestDay, validTo } from "./expiry";

interface Vectors {
  days: { now: string; days: number; validTo: string }[];
  chosenDay: { day: string; validTo: string }[];
  latest: { now: string; latest: string }[];
}
const vectors = JSON.parse(
  readFileSync(new URL("../../../../spec/vectors/expiry.json", import.meta.url), "utf8")) as Vectors;

describe("expiry", () => {
  it.each(vectors.days)("$days days from $now", ({ now, days, validTo: expected }) => {
    expect(afterDays(new Date(now), days).getTime()).toBe(new Date(expected).getTime());
  });

  it.each(vectors.chosenDay)("the end of $day", ({ day, validTo: expected }) => {
    expect(endOf(day)?.getTime()).toBe(new Date(expected).getTime());
  });

  it.each(vectors.latest)("the latest day from $now", ({ now, latest }) => {
    expect(endOf(latestDay(new Date(now)))?.getTime()).toBe(new Date(latest).getTime());
  });

  it("tells what is wrong with a day", () => {
    const now = new Date("2026-11-23T20:15:30.123Z");
    expect(checkDay("2026-11-23", now)).toBeNull();
    expect(checkDay("2026-11-22", now)).toBe("past");
    expect(checkDay("2027-11-23", now)).toBeNull();
    expect(checkDay("2027-11-24", now)).toBe("tooFar");
    expect(checkDay("", now)).toBe("missing");
    expect(checkDay("2027-02-30", now)).toBe("missing");
  });

  it("sends what the choice says", () => {
    const now = new Date("2026-11-23T20:15:30.123Z");
    expect(validTo("60", "", now)?.toISOString()).toBe("2027-01-22T20:15:30.123Z");
    expect(validTo("custom", "2027-01-01", now)?.toISOString()).toBe("2027-01-01T23:59:59.999Z");
  });
});
