// The Idempotency-Key of what a form asks for, and what it asked for with it: both stay while the form says the
// same, so that a second try gets the first one's answer. Kept in memory only, and gone with the form.

import { useCallback, useRef } from "react";

export interface Attempt<Wish> {
  key: string;
  wish: Wish;
  isNew: boolean;  // the form says something that was not asked for yet
}

export interface Attempts<Values, Wish> {
  of: (values: Values, make: () => Wish) => Attempt<Wish>;
  forget: () => void;  // the next one is a new one
}

const keyBytes = 16;

// Not randomUUID(), which pages over plain HTTP do not have.
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(keyBytes));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// `Values` are compared as objects: a form makes a new one with each change.
export class AttemptKeeper<Values, Wish> implements Attempts<Values, Wish> {
  private last: { values: Values; key: string; wish: Wish } | null = null;

  of = (values: Values, make: () => Wish): Attempt<Wish> => {
    const isNew = this.last === null || this.last.values !== values;
    if (this.last === null || isNew) this.last = { values, key: newIdempotencyKey(), wish: make() };
    return { key: this.last.key, wish: this.last.wish, isNew };
  };

  forget = (): void => { this.last = null; };
}

export function useAttempts<Values, Wish>(): Attempts<Values, Wish> {
  const keeper = useRef<AttemptKeeper<Values, Wish> | null>(null);
  const get = useCallback(() => (keeper.current ??= new AttemptKeeper<Values, Wish>()), []);
  return { of: (values, make) => get().of(values, make), forget: () => get().forget() };
}
