import { describe, expect, test } from "vitest";
import { daysShown, fillDays, sumOf, sumsOf } from "./usage";

const now = Date.parse("2026-11-24T23:59:59Z");

describe("fillDays", () => {
  test("gives each of the last 90 days once, today last", () => {
    const days = fillDays([{ day: "2026-11-24", allowed: 3, refused: 1 }], now);
    expect(days).toHaveLength(daysShown);
    expect(days[0]).toEqual({ day: "2026-08-27", allowed: 0, refused: 0 });
    expect(days.at(-1)).toEqual({ day: "2026-11-24", allowed: 3, refused: 1 });
    expect(new Set(days.map((entry) => entry.day)).size).toBe(daysShown);
  });
  test("leaves out what is older", () => {
    expect(sumsOf(fillDays([{ day: "2026-08-26", allowed: 3, refused: 1 }], now)).allowed).toBe(0);
  });
});

test("sumsOf counts uses and days, and never scales by zero", () => {
  expect(sumsOf([])).toEqual({ allowed: 0, refused: 0, days: 0, most: 1 });
  expect(sumsOf([{ day: "2026-11-23", allowed: 3, refused: 1 }, { day: "2026-11-24", allowed: 0, refused: 9 }]))
    .toEqual({ allowed: 3, refused: 10, days: 2, most: 9 });
});

test("sumOf tells a token without a use from one that was not counted", () => {
  const byToken = new Map([["used", { allowed: 3, refused: 1 }]]);
  expect(sumOf({ byToken, isComplete: false }, "used")).toEqual({ allowed: 3, refused: 1 });
  expect(sumOf({ byToken, isComplete: true }, "other")).toEqual({ allowed: 0, refused: 0 });
  expect(sumOf({ byToken, isComplete: false }, "other")).toBeUndefined();
  expect(sumOf(undefined, "used")).toBeUndefined();
});
