// The calls about the person, their sessions and one-time links.

import { call, get, pathOf } from "./client";
import type { Collection, LinkInfo, Mail, Me, Session } from "./types";

interface SessionAnswer {
  person: { id: string; email: string; displayName: string };
  organization?: { id: string; name: string };
}

const post = <T>(path: string, body: unknown): Promise<T> =>
  call<T>("POST", path, { body, isSignIn: true });

export const getMe = (signal?: AbortSignal): Promise<Me> =>
  call<Me>("GET", "/_latchkey/me", { signal, isSignIn: true });
export const signIn = (email: string, password: string): Promise<SessionAnswer> =>
  post("/_latchkey/sessions", { email, password });
export const signOut = (): Promise<null> =>
  call("DELETE", "/_latchkey/sessions/current", { isSignIn: true });

export const listSessions = async (signal?: AbortSignal): Promise<Session[]> =>
  (await get<Collection<Session>>("/_latchkey/sessions", signal)).value;
export const endSession = (id: string): Promise<null> => call("DELETE", pathOf`/_latchkey/sessions/${id}`);
export const endOtherSessions = (): Promise<null> => call("DELETE", "/_latchkey/sessions");

export const changeName = (displayName: string): Promise<Me> =>
  call("PATCH", "/_latchkey/me", { body: { displayName } });
export const changePassword = (oldPassword: string, newPassword: string): Promise<null> =>
  call("POST", "/_latchkey/me/password", { body: { oldPassword, newPassword } });
export const listMails = async (signal?: AbortSignal): Promise<Mail[]> =>
  (await get<Collection<Mail>>("/_latchkey/me/outbox", signal)).value;

export const inspectLink = (code: string): Promise<LinkInfo> => post("/_latchkey/links/inspect", { code });
export const setUp = (body: {
  code: string; organization: string; email: string; displayName: string; password: string;
}): Promise<SessionAnswer> => post("/_latchkey/setup", body);
export const acceptInvitation = (body: {
  code: string; displayName?: string; password: string;
}): Promise<SessionAnswer> => post("/_latchkey/invitations/accept", body);
export const resetPassword = (code: string, newPassword: string): Promise<null> =>
  post("/_latchkey/password/reset", { code, newPassword });
