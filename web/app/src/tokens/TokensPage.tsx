// A person's tokens in one organization: the list and everything that is done with it.

import { Button, makeStyles } from "@fluentui/react-components";
import { Suspense, lazy, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import type { Issued } from "../api/tokens";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { Loading, PageHead, Problem } from "../frame/parts";
import { useScopes, useTokens, useUsage } from "../hooks/resources";
import { EmptyState } from "./EmptyState";
import { parsePrefill, type Prefill } from "./prefill";
import { ScopeSet } from "./scopes";
import { TokenTable } from "./TokenTable";
import { TokenToolbar } from "./TokenToolbar";
import { daysListed } from "./usage";
import { useTokenList } from "./useTokenList";

const TokenPanel = lazy(() => import("./TokenPanel"));
const SuccessDialog = lazy(() => import("./SuccessDialog"));
const RegenerateDialog = lazy(() => import("./RegenerateDialog"));
const RevokeDialog = lazy(() => import("./RevokeDialog"));
const UsageDialog = lazy(() => import("./UsageDialog"));
const Glance = lazy(() => import("./Glance"));

const texts = defineTexts({
  en: {
    title: "Personal Access Tokens",
    about: "They can be used instead of a password for Git, or be passed in the authorization header to " +
      "reach REST APIs. A token can do what its scopes say, and never more than you can.",
    previous: "Previous",
    next: "Next",
    page: (number: number) => `Page ${number}`,
  },
});

const useStyles = makeStyles({
  pager: { display: "flex", gap: "8px", alignItems: "center", justifyContent: "flex-end", padding: "12px 0" },
});

export type Task =
  | { kind: "create"; like: Token | null; prefill: Prefill | null }
  | { kind: "edit"; token: Token }
  | { kind: "regenerate"; token: Token }
  | { kind: "revoke"; tokens: Token[] }
  | { kind: "usage"; token: Token };

export interface Done {
  issued: Issued;
  organization: string;
  isNew: boolean;
}

function firstTask(): Task | null {
  const prefill = parsePrefill(location.search);
  if (prefill) history.replaceState(null, "", location.pathname);
  return prefill ? { kind: "create", like: null, prefill } : null;
}

export function TokensPage({ organization }: { organization: string }): ReactNode {
  const styles = useStyles();
  const list = useTokenList();
  const page = useTokens(organization, list.query);
  const usage = useUsage(organization, daysListed);
  const scopes = useScopes();
  const set = useMemo(() => new ScopeSet(scopes.data ?? []), [scopes.data]);
  const [task, setTask] = useState<Task | null>(firstTask);
  const [done, setDone] = useState<Done | null>(null);
  const [isGlance, setGlance] = useState(false);
  const [round, setRound] = useState(0);
  const { reload: reloadPage } = page;
  const { reload: reloadUsage } = usage;
  const reload = useCallback(() => {
    reloadPage();
    reloadUsage();
  }, [reloadPage, reloadUsage]);

  const refresh = useCallback(() => {
    reload();
    setRound((old) => old + 1);
  }, [reload]);
  const close = useCallback(() => setTask(null), []);
  const issued = useCallback((result: Done) => {
    setTask(null);
    setDone(result);
    refresh();
  }, [refresh]);

  // Another tab may have changed the list.
  useEffect(() => {
    const look = (): void => { if (document.visibilityState === "visible") reload(); };
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [reload]);

  const tokens = page.data?.tokens ?? [];
  const isEmpty = page.data !== undefined && tokens.length === 0;
  const create = (): void => setTask({ kind: "create", like: null, prefill: null });
  const shared = { organization, set, onClose: close };

  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <TokenToolbar list={list} tokens={tokens} onTask={setTask} onCreate={create}
        isGlance={isGlance} onGlance={() => setGlance(!isGlance)} />
      {isGlance && <Suspense fallback={<Loading />}><Glance key={round} organization={organization} /></Suspense>}
      <Problem error={page.error ?? scopes.error ?? usage.error} onRetry={() => { reload(); scopes.reload(); }} />
      {page.data === undefined && page.isLoading && <Loading />}
      {isEmpty && list.pageNumber === 1 && <EmptyState list={list} onCreate={create} />}
      {tokens.length > 0 && (
        <TokenTable tokens={tokens} usage={usage.data} set={set} list={list} organization={organization} onTask={setTask} />)}
      {(list.pageNumber > 1 || page.data?.continuationToken) && (
        <div className={styles.pager}>
          <span>{texts.page(list.pageNumber)}</span>
          <Button disabled={list.pageNumber === 1} onClick={list.previous}>{texts.previous}</Button>
          <Button disabled={!page.data?.continuationToken}
            onClick={() => list.next(page.data?.continuationToken ?? "")}>{texts.next}</Button>
        </div>)}
      <Suspense fallback={null}>
        {(task?.kind === "create" || task?.kind === "edit") && scopes.data !== undefined && (
          <TokenPanel {...shared} task={task} onIssued={issued} onSaved={() => { close(); refresh(); }} />)}
        {task?.kind === "regenerate" && <RegenerateDialog {...shared} token={task.token} onIssued={issued} />}
        {task?.kind === "revoke" && (
          <RevokeDialog {...shared} tokens={task.tokens} onDone={() => { list.select(new Set()); refresh(); }} />)}
        {task?.kind === "usage" && <UsageDialog organization={organization} token={task.token} onClose={close} />}
        {done && <SuccessDialog done={done} onClose={() => setDone(null)} />}
      </Suspense>
    </>
  );
}
