// What the server sends; spec/openapi.json is the reference.

export type TokenStatus = "active" | "expired" | "revoked";
export type Role = "reader" | "member" | "administrator" | "owner";

export interface Token {
  authorizationId: string;
  displayName: string;
  scope: string;
  validFrom: string;
  validTo: string;
  targetAccounts: string[] | null;
  status: TokenStatus;
  lastUsedOn?: string | null;
  lastUsedFrom?: string | null;
  lastUsedBy?: string | null;
  withheldScopes?: string[];  // those that the owner's role takes from it
}

export interface Scope {
  identifier: string;
  category: string;
  level: string;
  description: string;
  implies: string[];
  highPrivilege: boolean;
  shown: boolean;
  grantable: boolean;
  origin?: "builtIn" | "declared" | "withdrawn";
}

export interface Person {
  id: string;
  email: string;
  displayName: string;
  state: "active" | "disabled";
  isOperator: boolean;
  createdAt: string;
  lastSignInAt: string | null;
}

export interface Me extends Person {
  organizations: { id: string; name: string; role: Role }[];
}

export interface Session {
  id: string;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  address: string;
  userAgent: string;
  isCurrent: boolean;
}

export interface Mail {
  id: string;
  recipient: string;
  subject: string;
  body: string;
  createdAt: string;
  sentAt: string | null;
  attempts: number;
  lastError: string;
}

export interface Organization {
  id: string;
  name: string;
  state: "active" | "deleted";
  role: Role;
  createdAt: string;
  deletedAt: string | null;
}

export interface Member {
  person: Person;
  role: Role;
  createdAt: string;
}

export interface Invitation {
  id: string;
  email: string;
  role: Role;
  createdAt: string;
  expiresAt: string;
  link?: string;
}

export interface Project {
  id: string;
  name: string;
  description?: string;
  state: string;
  visibility: "private" | "public";
  lastUpdateTime: string;
}

export interface LinkInfo {
  kind: "setup" | "invitation" | "passwordReset";
  email: string;
  organization: string;
  personExists: boolean;
  expiresAt: string;
}

export interface Collection<T> {
  count: number;
  value: T[];
}
