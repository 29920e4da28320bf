// The person's organizations, with those that can still be recovered.

import { Badge, Button, mergeClasses } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { createOrganization, recoverOrganization } from "../api/organizations";
import type { Organization } from "../api/types";
import { formatDayUtc, formatInstant } from "../base/dates";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import { Link } from "../frame/Link";
import { NameDialog } from "../frame/NameDialog";
import { Loading, PageHead, Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useMe, useOrganizations } from "../hooks/resources";

const texts = defineTexts({
  en: {
    title: "Organizations",
    about: "A token belongs to one organization. Choose one to see your tokens there.",
    create: "New organization",
    createIt: "Create",
    nameHint: "Letters, digits and hyphens; it becomes the first part of every address.",
    name: "Name",
    role: "Your role",
    made: "Created",
    actions: "Actions",
    tokens: "Tokens",
    projects: "Projects",
    recover: "Recover",
    recoverTitle: (name: string) => `Recover ${name}`,
    recoverHint: "Its members and tokens come back as they were. Give another name if this one is taken.",
    deleted: (day: string) => `Deleted; recoverable until ${day}`,
    none: "You are in no organization. Make one, or ask for an invitation to one.",
    roles: { reader: "Reader", member: "Member", administrator: "Administrator", owner: "Owner" },
  },
});

const recoverMs = 28 * 86_400_000;

function Row({ organization, onRecover }: { organization: Organization; onRecover: () => void }): ReactNode {
  const table = useSimpleTable();
  const base = `/${encodeURIComponent(organization.name)}`;
  const isDeleted = organization.state === "deleted";
  const until = new Date(new Date(organization.deletedAt ?? 0).getTime() + recoverMs);
  return (
    <tr>
      <th scope="row" className={table.cell}>
        {isDeleted ? organization.name : <Link to={`${base}/_usersSettings/tokens`}>{organization.name}</Link>}
        {isDeleted && <span className={table.second}>
          <Badge appearance="tint" color="warning">{texts.deleted(formatDayUtc(until.toISOString()))}</Badge></span>}
      </th>
      <td className={table.cell}>{texts.roles[organization.role]}</td>
      <td className={mergeClasses(table.cell, table.wide)}>{formatInstant(organization.createdAt)}</td>
      <td className={table.cell}>
        <span className={table.actions}>
          {isDeleted ? organization.role === "owner" && <Button size="small" onClick={onRecover}>{texts.recover}</Button> :
            <><Link to={`${base}/_usersSettings/tokens`}>{texts.tokens}</Link>
              <Link to={`${base}/_projects`}>{texts.projects}</Link></>}
        </span>
      </td>
    </tr>
  );
}

export default function HomePage(): ReactNode {
  const table = useSimpleTable();
  const { reload } = useMe();
  const organizations = useOrganizations();
  const [isCreating, setCreating] = useState(false);
  const [recovering, setRecovering] = useState<Organization | null>(null);
  const refresh = (): void => {
    organizations.reload();
    reload();
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <div className={table.bar}>
        <Button appearance="primary" icon={<Icon name="add" />} onClick={() => setCreating(true)}>{texts.create}</Button>
      </div>
      <Problem error={organizations.error} onRetry={organizations.reload} />
      {organizations.data === undefined && organizations.isLoading && <Loading />}
      {organizations.data?.length === 0 && <p>{texts.none}</p>}
      {organizations.data !== undefined && organizations.data.length > 0 && (
        <table className={table.table} aria-label={texts.title}>
          <thead><tr>
            <th scope="col" className={table.head}>{texts.name}</th>
            <th scope="col" className={table.head}>{texts.role}</th>
            <th scope="col" className={mergeClasses(table.head, table.wide)}>{texts.made}</th>
            <th scope="col" className={table.head}>{texts.actions}</th>
          </tr></thead>
          <tbody>
            {organizations.data.map((organization) => (
              <Row key={organization.id} organization={organization} onRecover={() => setRecovering(organization)} />))}
          </tbody>
        </table>)}
      {isCreating && (
        <NameDialog title={texts.create} action={texts.createIt} about={texts.nameHint} onClose={() => setCreating(false)}
          work={async (name) => {
            const made = await createOrganization(name);
            refresh();
            navigate(`/${encodeURIComponent(made.name)}/_usersSettings/tokens`);
          }} />)}
      {recovering && (
        <NameDialog title={texts.recoverTitle(recovering.name)} action={texts.recover} about={texts.recoverHint}
          first={recovering.name} onClose={() => setRecovering(null)}
          work={async (name) => {
            await recoverOrganization(recovering.id, name === recovering.name ? null : name);
            refresh();
          }} />)}
    </>
  );
}
