// The panel at the right: a new token, one like an old one, or an edit.

import {
  Button, DrawerBody, DrawerFooter, DrawerHeader, DrawerHeaderTitle, Field, Input, OverlayDrawer, Select, makeStyles,
} from "@fluentui/react-components";
import { useCallback, useEffect, useRef, type FormEvent, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { createToken, listTokens, updateToken, type TokenWish } from "../api/tokens";
import type { Token } from "../api/types";
import { formatRelative } from "../base/dates";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";
import { useAttempts } from "../hooks/attempt";
import { useMe } from "../hooks/resources";
import { Icon } from "../frame/icons";
import { Problem } from "../frame/parts";
import { ExpiryField } from "./ExpiryField";
import { LinkNotice } from "./LinkNotice";
import { sortOut } from "./prefill";
import { momentOf, problemOf, useTokenForm, type FormField, type TokenValues } from "./form";
import { fullAccess, type ScopeSet } from "./scopes";
import { ScopesField } from "./ScopesField";
import type { Done, Task } from "./TokensPage";
import { UsageChart } from "./UsageChart";

const texts = defineTexts({
  en: {
    create: "Create a new personal access token",
    edit: "Edit a personal access token",
    name: "Name",
    organization: "Organization",
    createIt: "Create",
    save: "Save",
    cancel: "Cancel",
    close: "Close",
    exists: (when: string) => `The server did not answer, but it did create a token of this name ${when}. Its text is ` +
      "lost: revoke it in the list, or create another under a new name.",
  },
});

const focusPauseMs = 50;

const useStyles = makeStyles({
  panel: { width: "600px", maxWidth: "100vw" },
  body: { paddingTop: "4px" },
  form: { display: "flex", flexDirection: "column", gap: "16px", paddingBottom: "24px" },
  footer: { flexWrap: "wrap" },
});

interface Props {
  task: Extract<Task, { kind: "create" | "edit" }>;
  organization: string;
  set: ScopeSet;
  onClose: () => void;
  onIssued: (done: Done) => void;
  onSaved: () => void;
}

// After a try that got no answer, and another wish: was the first token made all the same? The same wish needs
// no look, for its key gives the same token.
async function findLost(organization: string, name: string, since: number): Promise<Token | undefined> {
  const page = await listTokens(organization,
    { filter: "active", sort: "createdOn", ascending: false, search: name, top: 20 });
  return page.tokens.find((token) =>
    token.displayName === name && new Date(token.validFrom).getTime() >= since);
}

export default function TokenPanel({ task, organization, set, onClose, onIssued, onSaved }: Props): ReactNode {
  const styles = useStyles();
  const { me } = useMe();
  const { values, change } = useTokenForm(task, organization, set);
  const { isRunning, error, run } = useAction();
  const uncertainSince = useRef<number | null>(null);
  const attempts = useAttempts<TokenValues, TokenWish>();
  const form = useRef<HTMLFormElement>(null);
  const kept = task.kind === "edit" ? task.token : null;
  const problem = problemOf(error);
  const messageAt = (field: FormField): string | undefined => problem?.field === field ? problem.message : undefined;

  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);

  // After the panel, which puts the focus on its close button.
  const focusFirst = useCallback((input: HTMLInputElement | null) => {
    if (input) setTimeout(() => input.focus(), focusPauseMs);
  }, []);

  const save = async (): Promise<void> => {
    const now = new Date();
    const makeWish = (): TokenWish => {
      const moment = momentOf(values, kept, now);
      if (moment === null) throw new ApiError({ status: 0, message: "", patTokenError: "invalidValidTo" });
      const scope = values.isFull ? fullAccess : set.format(values.scopes);
      return { displayName: values.name, scope, validTo: moment.toISOString() };
    };
    if (kept) {
      await updateToken(organization, kept.authorizationId, makeWish());
      onSaved();
      return;
    }
    const attempt = attempts.of(values, makeWish);
    if (uncertainSince.current !== null && attempt.isNew) {
      const lost = await findLost(values.organization, values.name.trim(), uncertainSince.current);
      if (lost) {
        attempts.forget();
        throw new ApiError({ status: 409, message: texts.exists(formatRelative(lost.validFrom, Date.now())) });
      }
      uncertainSince.current = null;
    }
    try {
      const issued = await createToken(values.organization, attempt.wish, attempt.key);
      onIssued({ issued, organization: values.organization, isNew: true });
    } catch (failure) {
      if (failure instanceof ApiError && failure.isUncertain) uncertainSince.current = now.getTime() - 60_000;
      throw failure;
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(save);
  };
  const close = (): void => { if (!isRunning) onClose(); };

  return (
    <OverlayDrawer open position="end" className={styles.panel} onOpenChange={(_, data) => { if (!data.open) close(); }}>
      <DrawerHeader>
        <DrawerHeaderTitle action={
          <Button appearance="subtle" aria-label={texts.close} icon={<Icon name="close" />} onClick={close} />}>
          {kept ? texts.edit : texts.create}
        </DrawerHeaderTitle>
      </DrawerHeader>
      <DrawerBody className={styles.body}>
        <form id="token-form" ref={form} className={styles.form} onSubmit={submit} noValidate>
          {task.kind === "create" && task.prefill && <LinkNotice wanted={sortOut(task.prefill, set)} />}
          <Field label={texts.name} required validationMessage={messageAt("name")}>
            <Input ref={focusFirst} value={values.name} onChange={(_, data) => change({ name: data.value })} />
          </Field>
          <Field label={texts.organization} validationMessage={messageAt("organization")}>
            <Select value={values.organization} disabled={kept !== null}
              onChange={(_, data) => change({ organization: data.value })}>
              {me.organizations.map((entry) => <option key={entry.id} value={entry.name}>{entry.name}</option>)}
            </Select>
          </Field>
          <ExpiryField expiry={values.expiry} day={values.day} kept={kept} message={messageAt("expiry")} onChange={change} />
          <ScopesField set={set} values={values} message={messageAt("scopes")} onChange={change} />
        </form>
        {kept && <UsageChart organization={organization} id={kept.authorizationId} />}
      </DrawerBody>
      <DrawerFooter className={styles.footer}>
        {problem?.field === null && <Problem error={new Error(problem.message)} />}
        <Button appearance="primary" type="submit" form="token-form" disabled={isRunning}>
          {kept ? texts.save : texts.createIt}</Button>
        <Button disabled={isRunning} onClick={close}>{texts.cancel}</Button>
      </DrawerFooter>
    </OverlayDrawer>
  );
}
