// Invitations that are open, and making one. Its link is shown once, to be passed on.

import { Button, Field, Input, MessageBar, MessageBarBody, Select } from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { invite, withdrawInvitation } from "../api/organizations";
import type { Invitation, Role } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";
import { useInvitations } from "../hooks/resources";
import { copyText } from "../tokens/SecretBox";
import { roles, rolesUpTo } from "./roles";

const texts = defineTexts({
  en: {
    title: "Invitations",
    email: "E-mail address",
    role: "Role",
    invite: "Invite",
    made: (email: string) => `Give this link to ${email}. It works once, within 7 days, and is not shown again:`,
    copy: "Copy link",
    copied: "Copied",
    ends: (when: string) => `until ${when}`,
    actions: "Actions",
    withdraw: "Withdraw",
    none: "No invitation is open.",
  },
});

function MadeLink({ made }: { made: Invitation }): ReactNode {
  const table = useSimpleTable();
  const [isCopied, setCopied] = useState(false);
  const link = made.link ?? "";
  return (
    <MessageBar intent="success" layout="multiline">
      <MessageBarBody className={table.stack}>
        <span>{texts.made(made.email)}</span>
        <Input readOnly aria-label={texts.made(made.email)} value={link} />
        <Button size="small" className={table.submit}
          onClick={() => { void copyText(link).then(setCopied); }}>{isCopied ? texts.copied : texts.copy}</Button>
      </MessageBarBody>
    </MessageBar>
  );
}

export function Invitations({ organization, role }: { organization: string; role: Role }): ReactNode {
  const table = useSimpleTable();
  const invitations = useInvitations(organization);
  const [email, setEmail] = useState("");
  const [wanted, setWanted] = useState<Role>("member");
  const [made, setMade] = useState<Invitation | null>(null);
  const { isRunning, error, run } = useAction();
  const atEmail = error instanceof ApiError && error.field === "email" ? error.message : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => {
      setMade(await invite(organization, email.trim(), wanted));
      setEmail("");
      invitations.reload();
    });
  };
  return (
    <section aria-label={texts.title}>
      <h2 className={table.section}>{texts.title}</h2>
      <form className={table.bar} onSubmit={submit} noValidate>
        <Field label={texts.email} validationMessage={atEmail}>
          <Input type="email" value={email} onChange={(_, data) => setEmail(data.value)} />
        </Field>
        <Field label={texts.role}>
          <Select value={wanted} onChange={(_, data) => {
            const next = rolesUpTo(role).find((value) => value === data.value);
            if (next) setWanted(next);
          }}>
            {rolesUpTo(role).map((value) => <option key={value} value={value}>{roles[value]}</option>)}
          </Select>
        </Field>
        <Button appearance="primary" type="submit" disabled={isRunning}>{texts.invite}</Button>
      </form>
      <div className={table.stack}>
        {atEmail === undefined && <Problem error={error ?? invitations.error} />}
        {made && <MadeLink key={made.id} made={made} />}
        {invitations.data?.length === 0 && <p>{texts.none}</p>}
        {invitations.data !== undefined && invitations.data.length > 0 && (
          <table className={table.table} aria-label={texts.title}>
            <thead><tr>
              <th scope="col" className={table.head}>{texts.email}</th>
              <th scope="col" className={table.head}>{texts.role}</th>
              <th scope="col" className={table.head}>{texts.actions}</th>
            </tr></thead>
            <tbody>
              {invitations.data.map((entry) => (
                <tr key={entry.id}>
                  <th scope="row" className={table.cell}>{entry.email}
                    <span className={table.second}>{texts.ends(formatInstant(entry.expiresAt))}</span></th>
                  <td className={table.cell}>{roles[entry.role]}</td>
                  <td className={table.cell}>
                    <Button size="small" disabled={isRunning} onClick={() => { void run(async () => {
                      await withdrawInvitation(organization, entry.id);
                      invitations.reload();
                    }); }}>{texts.withdraw}</Button></td>
                </tr>))}
            </tbody>
          </table>)}
      </div>
    </section>
  );
}
