// The calls about organizations, their members and invitations, and projects.

import { call, get, pathOf } from "./client";
import type { Collection, Invitation, Member, Organization, Project, Role } from "./types";

export const listOrganizations = async (signal?: AbortSignal): Promise<Organization[]> =>
  (await get<Collection<Organization>>("/_latchkey/organizations", signal)).value;
export const createOrganization = (name: string): Promise<Organization> =>
  call("POST", "/_latchkey/organizations", { body: { name } });
export const renameOrganization = (id: string, name: string): Promise<Organization> =>
  call("PATCH", pathOf`/_latchkey/organizations/${id}`, { body: { name } });
export const deleteOrganization = (id: string): Promise<null> =>
  call("DELETE", pathOf`/_latchkey/organizations/${id}`);
export const recoverOrganization = (id: string, name: string | null): Promise<Organization> =>
  call("POST", pathOf`/_latchkey/organizations/${id}/recover`, { body: name === null ? {} : { name } });

const members = (organization: string): string => pathOf`/_latchkey/organizations/${organization}/members`;
const invitations = (organization: string): string =>
  pathOf`/_latchkey/organizations/${organization}/invitations`;

export const listMembers = async (organization: string, signal?: AbortSignal): Promise<Member[]> =>
  (await get<Collection<Member>>(members(organization), signal)).value;
export const changeRole = (organization: string, personId: string, role: Role): Promise<unknown> =>
  call("PATCH", `${members(organization)}/${encodeURIComponent(personId)}`, { body: { role } });
export const removeMember = (organization: string, personId: string): Promise<null> =>
  call("DELETE", `${members(organization)}/${encodeURIComponent(personId)}`);
export const listInvitations = async (organization: string, signal?: AbortSignal): Promise<Invitation[]> =>
  (await get<Collection<Invitation>>(invitations(organization), signal)).value;
export const invite = (organization: string, email: string, role: Role): Promise<Invitation> =>
  call("POST", invitations(organization), { body: { email, role } });
export const withdrawInvitation = (organization: string, id: string): Promise<null> =>
  call("DELETE", `${invitations(organization)}/${encodeURIComponent(id)}`);

export interface ProjectWish {
  name: string;
  description: string;
  visibility: "private" | "public";
}

const projects = (organization: string): string => pathOf`/${organization}/_apis/projects`;
const version = "api-version=7.1";

export async function listProjects(
  organization: string, state: "wellFormed" | "deleted", signal?: AbortSignal,
): Promise<Project[]> {
  const path = `${projects(organization)}?${version}&stateFilter=${state}&$top=1000`;
  return (await get<Collection<Project>>(path, signal)).value;
}
export const createProject = (organization: string, wish: ProjectWish): Promise<unknown> =>
  call("POST", `${projects(organization)}?${version}`, { body: wish });
export const updateProject = (
  organization: string, id: string, wish: Partial<ProjectWish> & { state?: "wellFormed" },
): Promise<unknown> =>
  call("PATCH", `${projects(organization)}/${encodeURIComponent(id)}?${version}`, { body: wish });
export const deleteProject = (organization: string, id: string): Promise<unknown> =>
  call("DELETE", `${projects(organization)}/${encodeURIComponent(id)}?${version}`);
