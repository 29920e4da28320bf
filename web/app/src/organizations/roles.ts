// Roles in words, and who may give which (docs/spec/organizations.md, O10).

import type { Role } from "../api/types";
import { defineTexts } from "../base/texts";

export const roles: Record<Role, string> = defineTexts({
  en: { reader: "Reader", member: "Member", administrator: "Administrator", owner: "Owner" },
});

const order: readonly Role[] = ["reader", "member", "administrator", "owner"];

// The roles that a person of `role` gives and takes; none below administrator.
export const rolesUpTo = (role: Role): readonly Role[] =>
  role === "administrator" || role === "owner" ? order.slice(0, order.indexOf(role) + 1) : [];
