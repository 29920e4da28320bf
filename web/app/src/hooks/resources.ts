// One hook a resource.

import { createContext, useContext } from "react";
import { listInvitations, listMembers, listOrganizations, listProjects } from "../api/organizations";
import { listMails, listSessions } from "../api/people";
import { listScopes, listTokens, listUsage, type ListQuery, type TokenPage, type UsageList } from "../api/tokens";
import type { Invitation, Mail, Me, Member, Organization, Project, Scope, Session } from "../api/types";
import { useResource, type Resource } from "./resource";

export interface MeState {
  me: Me;
  reload: () => void;
  signedOut: () => void;
}

export const MeContext = createContext<MeState | null>(null);

export function useMe(): MeState {
  const state = useContext(MeContext);
  if (state === null) throw new Error("useMe needs a signed-in page");
  return state;
}

export const useTokens = (organization: string, query: ListQuery): Resource<TokenPage> =>
  useResource(`${organization} ${JSON.stringify(query)}`,
    (signal) => listTokens(organization, query, signal));

export const useUsage = (organization: string, days: number): Resource<UsageList> =>
  useResource(`${organization} ${days}`, (signal) => listUsage(organization, days, signal));

let scopes: Promise<Scope[]> | null = null;

// The catalog is fixed for a running server, so it is asked for once.
function loadScopes(): Promise<Scope[]> {
  scopes ??= listScopes().catch((error: unknown) => {
    scopes = null;
    throw error;
  });
  return scopes;
}

export const useScopes = (): Resource<Scope[]> => useResource("scopes", loadScopes);
export const useSessions = (): Resource<Session[]> => useResource("sessions", listSessions);
export const useMails = (): Resource<Mail[]> => useResource("mails", listMails);
export const useOrganizations = (): Resource<Organization[]> =>
  useResource("organizations", listOrganizations);
export const useMembers = (organization: string): Resource<Member[]> =>
  useResource(organization, (signal) => listMembers(organization, signal));
export const useInvitations = (organization: string | null): Resource<Invitation[]> =>
  useResource(organization, (signal) => listInvitations(organization ?? "", signal));
export const useProjects = (
  organization: string, state: "wellFormed" | "deleted",
): Resource<Project[]> =>
  useResource(`${organization} ${state}`, (signal) => listProjects(organization, state, signal));
