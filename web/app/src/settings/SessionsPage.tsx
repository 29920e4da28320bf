import { Badge, Button, mergeClasses } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { endOtherSessions, endSession } from "../api/people";
import type { Session } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Loading, PageHead, Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";
import { useMe, useSessions } from "../hooks/resources";

const texts = defineTexts({
  en: {
    title: "Sessions",
    about: "Where you are signed in. End what you do not know, and change your password then.",
    caption: "Sessions",
    where: "Where",
    seen: "Last seen",
    ends: "Ends at the latest",
    actions: "Actions",
    current: "This session",
    end: "End",
    signOut: "Sign out",
    endOthers: "End all others",
  },
});

function SessionRow({ session, onEnd, isBusy }: { session: Session; onEnd: () => void; isBusy: boolean }): ReactNode {
  const table = useSimpleTable();
  return (
    <tr>
      <th scope="row" className={table.cell}>
        {session.address} {session.isCurrent && <Badge appearance="tint">{texts.current}</Badge>}
        <span className={table.second}>{session.userAgent}</span>
      </th>
      <td className={table.cell}>{formatInstant(session.lastSeenAt)}</td>
      <td className={mergeClasses(table.cell, table.wide)}>{formatInstant(session.expiresAt)}</td>
      <td className={table.cell}>
        <Button size="small" disabled={isBusy} onClick={onEnd}>{session.isCurrent ? texts.signOut : texts.end}</Button>
      </td>
    </tr>
  );
}

export function SessionsPage(): ReactNode {
  const table = useSimpleTable();
  const { signedOut } = useMe();
  const sessions = useSessions();
  const { isRunning, error, run } = useAction();
  const end = (session: Session): void => {
    void run(async () => {
      await endSession(session.isCurrent ? "current" : session.id);
      if (session.isCurrent) signedOut();
      else sessions.reload();
    });
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <Problem error={error ?? sessions.error} onRetry={sessions.reload} />
      {sessions.data === undefined ? sessions.isLoading && <Loading /> : <>
        <div className={table.bar}>
          <Button disabled={isRunning || sessions.data.length < 2}
            onClick={() => { void run(async () => { await endOtherSessions(); sessions.reload(); }); }}>
            {texts.endOthers}</Button>
        </div>
        <table className={table.table} aria-label={texts.caption}>
          <thead><tr>
            <th scope="col" className={table.head}>{texts.where}</th>
            <th scope="col" className={table.head}>{texts.seen}</th>
            <th scope="col" className={mergeClasses(table.head, table.wide)}>{texts.ends}</th>
            <th scope="col" className={table.head}>{texts.actions}</th>
          </tr></thead>
          <tbody>
            {sessions.data.map((session) => (
              <SessionRow key={session.id} session={session} isBusy={isRunning} onEnd={() => end(session)} />))}
          </tbody>
        </table></>}
    </>
  );
}
