// The state of the New token and Edit panels, and where each of the server's errors belongs.

import { useState } from "react";
import { ApiError, messageOf } from "../api/client";
import type { Token } from "../api/types";
import { formatDayUtc } from "../base/dates";
import { defineTexts } from "../base/texts";
import { dayOf, endOf, latestDay, validTo, type ExpiryChoice } from "./expiry";
import { fullAccess, type ScopeSet } from "./scopes";
import { sortOut } from "./prefill";
import type { Task } from "./TokensPage";

const texts = defineTexts({
  en: {
    nameMissing: "Give the token a name.",
    name: "A name has at most 256 characters, all on one line.",
    expiry: (latest: string) => `Choose a day from today to ${latest}.`,
    scope: "Choose at least one scope, or full access.",
    expired: "This token has expired, so it cannot be changed. Create a new one like it.",
    copyOf: (name: string) => name,
  },
});

export type FormExpiry = ExpiryChoice | "keep";

export interface TokenValues {
  name: string;
  organization: string;
  expiry: FormExpiry;
  day: string;
  isFull: boolean;
  scopes: ReadonlySet<string>;
}

export type FormField = "name" | "organization" | "expiry" | "scopes";
export interface FormProblem {
  field: FormField | null;
  message: string;
}

const scopesOf = (token: Token): string[] =>
  token.scope === fullAccess ? [] : token.scope.split(" ").filter(Boolean);

function firstValues(task: Task, organization: string, set: ScopeSet): TokenValues {
  const from = task.kind === "edit" ? task.token : task.kind === "create" ? task.like : null;
  const prefill = task.kind === "create" ? task.prefill : null;
  const wanted = from ? scopesOf(from) : sortOut(prefill, set).scopes;
  const known = wanted.filter((id) => set.find(id)?.grantable && id !== fullAccess);
  return {
    name: from?.displayName ?? prefill?.name ?? "",
    organization,
    expiry: task.kind === "edit" ? "keep" : prefill?.choice ?? "30",
    day: prefill?.day || (from ? dayOf(new Date(from.validTo)) : ""),
    isFull: from?.scope === fullAccess,
    scopes: set.reduce(new Set(known)),
  };
}

// The moment that a form's expiry stands for; null for what is no day.
export function momentOf(values: TokenValues, kept: Token | null, now: Date): Date | null {
  if (values.expiry === "keep") return kept ? new Date(kept.validTo) : null;
  return validTo(values.expiry, values.day, now);
}

export function problemOf(error: unknown): FormProblem | null {
  if (error === null || error === undefined) return null;
  const code = error instanceof ApiError ? error.patTokenError : "";
  switch (code) {
    case "displayNameRequired": return { field: "name", message: texts.nameMissing };
    case "invalidDisplayName": return { field: "name", message: texts.name };
    case "invalidValidTo":
      return { field: "expiry", message: texts.expiry(formatDayUtc(`${latestDay(new Date())}T00:00:00Z`)) };
    case "patLifespanPolicyViolation": return { field: "expiry", message: messageOf(error) };
    case "invalidScope": return { field: "scopes", message: texts.scope };
    case "fullScopePatPolicyViolation": return { field: "scopes", message: messageOf(error) };
    case "globalPATCreationBlocked":
    case "invalidTargetAccounts": return { field: "organization", message: messageOf(error) };
    case "expiredPatCannotBeExtended": return { field: null, message: texts.expired };
    default: return { field: null, message: messageOf(error) };
  }
}

export interface TokenForm {
  values: TokenValues;
  change: (part: Partial<TokenValues>) => void;
}

export function useTokenForm(task: Task, organization: string, set: ScopeSet): TokenForm {
  const [values, setValues] = useState(() => firstValues(task, organization, set));
  const change = (part: Partial<TokenValues>): void => setValues((old) => {
    const next = { ...old, ...part };
    // Custom begins at the day that was shown.
    if (part.expiry === "custom" && endOf(next.day) === null) {
      const shown = old.expiry === "custom" || old.expiry === "keep" ? "30" : old.expiry;
      next.day = dayOf(validTo(shown, "", new Date()) ?? new Date());
    }
    return next;
  });
  return { values, change };
}
