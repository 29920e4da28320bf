// The person's own pages beside the tokens.

import type { ReactNode } from "react";
import { OutboxPage } from "./OutboxPage";
import { PasswordPage } from "./PasswordPage";
import { ProfilePage } from "./ProfilePage";
import { SessionsPage } from "./SessionsPage";
import { NotFound } from "../frame/NotFound";

export default function UserSettings({ page }: { page: string }): ReactNode {
  switch (page) {
    case "notifications": return <OutboxPage />;
    case "sessions": return <SessionsPage />;
    case "password": return <PasswordPage />;
    case "profile": return <ProfilePage />;
    default: return <NotFound />;
  }
}
