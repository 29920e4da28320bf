// An organization's own pages: overview (rename, delete) and members.

import { Button } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { deleteOrganization, renameOrganization } from "../api/organizations";
import type { Role } from "../api/types";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { NameDialog } from "../frame/NameDialog";
import { NotFound } from "../frame/NotFound";
import { Confirm, PageHead } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useMe } from "../hooks/resources";
import { MembersPage } from "./MembersPage";

const texts = defineTexts({
  en: {
    title: "Overview",
    about: (name: string, role: string) => `${name}. Your role here: ${role}.`,
    roles: { reader: "reader", member: "member", administrator: "administrator", owner: "owner" },
    rename: "Rename",
    renameHint: "Addresses change with the name. Tokens keep working: they are bound to the organization itself.",
    remove: "Delete organization",
    removeTitle: (name: string) => `Delete ${name}?`,
    removeEffect: "All of its tokens stop at once and its members lose access. An owner can recover it within 28 days.",
    noRights: "Only administrators rename an organization, and only owners delete it.",
    unknownTitle: "You are not in this organization",
    unknown: (name: string) => `There is no organization "${name}", or you are not a member of it.`,
  },
});

function Overview({ id, name, role }: { id: string; name: string; role: Role }): ReactNode {
  const table = useSimpleTable();
  const { reload } = useMe();
  const [open, setOpen] = useState<"rename" | "remove" | null>(null);
  const mayRename = role === "administrator" || role === "owner";
  return (
    <>
      <PageHead title={texts.title} about={texts.about(name, texts.roles[role])} />
      {!mayRename && <p>{texts.noRights}</p>}
      <div className={table.bar}>
        {mayRename && <Button onClick={() => setOpen("rename")}>{texts.rename}</Button>}
        {role === "owner" && <Button onClick={() => setOpen("remove")}>{texts.remove}</Button>}
      </div>
      {open === "rename" && (
        <NameDialog title={texts.rename} action={texts.rename} about={texts.renameHint} first={name}
          onClose={() => setOpen(null)}
          work={async (next) => {
            const renamed = await renameOrganization(id, next);
            navigate(`/${encodeURIComponent(renamed.name)}/_settings/overview`, true);
            reload();
          }} />)}
      {open === "remove" && (
        <Confirm title={texts.removeTitle(name)} action={texts.remove} onClose={() => setOpen(null)}
          work={async () => {
            await deleteOrganization(id);
            navigate("/");
            reload();
          }}>
          <p>{texts.removeEffect}</p>
        </Confirm>)}
    </>
  );
}

export default function OrganizationSettings({ organization, page }: { organization: string; page: string }): ReactNode {
  const { me } = useMe();
  const mine = me.organizations.find((entry) => entry.name.toLowerCase() === organization.toLowerCase());
  if (!mine) return <PageHead title={texts.unknownTitle} about={texts.unknown(organization)} />;
  if (page === "overview") return <Overview id={mine.id} name={mine.name} role={mine.role} />;
  if (page === "members") return <MembersPage organization={mine.name} role={mine.role} />;
  return <NotFound />;
}
