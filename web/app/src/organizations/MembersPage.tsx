import { Button, Select, mergeClasses } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { changeRole, removeMember } from "../api/organizations";
import type { Member, Role } from "../api/types";
import { formatInstant } from "../base/dates";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { Confirm, Loading, PageHead, Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";
import { useMe, useMembers } from "../hooks/resources";
import { Invitations } from "./Invitations";
import { roles, rolesUpTo } from "./roles";

const texts = defineTexts({
  en: {
    title: "Members",
    about: "What a person may do here is their role; what their tokens may do is never more than that.",
    member: "Member",
    role: "Role",
    roleOf: (name: string) => `Role of ${name}`,
    since: "Since",
    actions: "Actions",
    remove: "Remove",
    leave: "Leave",
    disabled: "disabled",
    removeTitle: (name: string) => `Remove ${name}?`,
    leaveTitle: "Leave the organization?",
    effect: "Their tokens here stop at once. If they come back, tokens that have not expired work again.",
  },
});

interface RowProps {
  member: Member;
  role: Role;      // of who looks
  isMe: boolean;
  isBusy: boolean;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

function MemberRow({ member, role, isMe, isBusy, onRole, onRemove }: RowProps): ReactNode {
  const table = useSimpleTable();
  const allowed = rolesUpTo(role);
  const mayChange = allowed.length > 0 && allowed.includes(member.role);
  const name = member.person.displayName;
  return (
    <tr>
      <th scope="row" className={table.cell}>
        {name}{member.person.state === "disabled" && ` (${texts.disabled})`}
        <span className={table.second}>{member.person.email}</span>
      </th>
      <td className={table.cell}>
        {mayChange ? (
          <Select aria-label={texts.roleOf(name)} value={member.role} disabled={isBusy}
            onChange={(_, data) => {
              const next = allowed.find((value) => value === data.value);
              if (next) onRole(next);
            }}>
            {allowed.map((value) => <option key={value} value={value}>{roles[value]}</option>)}
          </Select>) : roles[member.role]}
      </td>
      <td className={mergeClasses(table.cell, table.wide)}>{formatInstant(member.createdAt)}</td>
      <td className={table.cell}>
        {(isMe || mayChange) && (
          <Button size="small" disabled={isBusy} onClick={onRemove}>{isMe ? texts.leave : texts.remove}</Button>)}
      </td>
    </tr>
  );
}

export function MembersPage({ organization, role }: { organization: string; role: Role }): ReactNode {
  const table = useSimpleTable();
  const { me, reload } = useMe();
  const members = useMembers(organization);
  const { isRunning, error, run } = useAction();
  const [removing, setRemoving] = useState<Member | null>(null);
  const isMe = (member: Member): boolean => member.person.id === me.id;
  const refresh = (): void => {
    members.reload();
    reload();
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <Problem error={error ?? members.error} onRetry={members.reload} />
      {members.data === undefined ? members.isLoading && <Loading /> : (
        <table className={table.table} aria-label={texts.title}>
          <thead><tr>
            <th scope="col" className={table.head}>{texts.member}</th>
            <th scope="col" className={table.head}>{texts.role}</th>
            <th scope="col" className={mergeClasses(table.head, table.wide)}>{texts.since}</th>
            <th scope="col" className={table.head}>{texts.actions}</th>
          </tr></thead>
          <tbody>
            {members.data.map((member) => (
              <MemberRow key={member.person.id} member={member} role={role} isMe={isMe(member)} isBusy={isRunning}
                onRemove={() => setRemoving(member)}
                onRole={(next) => { void run(async () => {
                  await changeRole(organization, member.person.id, next);
                  refresh();
                }); }} />))}
          </tbody>
        </table>)}
      {rolesUpTo(role).length > 0 && <Invitations organization={organization} role={role} />}
      {removing && (
        <Confirm title={isMe(removing) ? texts.leaveTitle : texts.removeTitle(removing.person.displayName)}
          action={isMe(removing) ? texts.leave : texts.remove} onClose={() => setRemoving(null)}
          work={async () => {
            await removeMember(organization, removing.person.id);
            if (isMe(removing)) navigate("/");
            refresh();
          }}>
          <p>{texts.effect}</p>
        </Confirm>)}
    </>
  );
}
