// Who is here, and which page the address names.

import { Button, MessageBar, MessageBarActions, MessageBarBody, Spinner } from "@fluentui/react-components";
import { Suspense, lazy, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { ApiError, messageOf, setSessionKeeper } from "./api/client";
import { getMe } from "./api/people";
import type { Me } from "./api/types";
import { defineTexts } from "./base/texts";
import { parsePlace, usePath, type Place } from "./base/router";
import { Frame } from "./frame/Frame";
import { MeContext } from "./hooks/resources";
import { SignInAgain } from "./signin/SignInAgain";
import { SignInPage } from "./signin/SignInPage";
import { TokensPage } from "./tokens/TokensPage";

const LinkPage = lazy(() => import("./signin/LinkPage"));
const UserSettings = lazy(() => import("./settings/UserSettings"));
const OrganizationSettings = lazy(() => import("./organizations/OrganizationSettings"));
const ProjectsPage = lazy(() => import("./projects/ProjectsPage"));
const HomePage = lazy(() => import("./organizations/HomePage"));

const texts = defineTexts({ en: { loading: "Loading", retry: "Try again" } });

function PageOf({ place }: { place: Place }): ReactNode {
  switch (place.area) {
    case "tokens": return <TokensPage key={place.organization} organization={place.organization} />;
    case "userSettings": return <UserSettings page={place.page} />;
    case "organizationSettings":
      return <OrganizationSettings key={place.organization} organization={place.organization} page={place.page} />;
    case "projects": return <ProjectsPage key={place.organization} organization={place.organization} />;
    default: return <HomePage />;
  }
}

type Person = { state: "unknown" | "anonymous" } | { state: "failed"; error: unknown } | { state: "known"; me: Me };

function useSession(isNeeded: boolean) {
  const [person, setPerson] = useState<Person>({ state: "unknown" });
  const [asking, setAsking] = useState<((done: boolean) => void) | null>(null);
  const known = person.state === "known";

  const reload = useCallback(() => {
    getMe().then((me) => setPerson({ state: "known", me }), (error: unknown) => {
      const isNobody = error instanceof ApiError && error.status === 401;
      setPerson((old) => isNobody ? { state: "anonymous" } : old.state === "known" ? old : { state: "failed", error });
    });
  }, []);
  useEffect(() => { if (isNeeded) reload(); }, [isNeeded, reload]);

  // Calls that meet the end of the session all wait for the one dialog.
  useEffect(() => {
    if (!known) return undefined;
    let waiting: Promise<boolean> | null = null;
    setSessionKeeper(() => {
      waiting ??= new Promise<boolean>((resolve) => {
        setAsking(() => (done: boolean) => {
          waiting = null;
          setAsking(null);
          resolve(done);
        });
      });
      return waiting;
    });
    return () => setSessionKeeper(null);
  }, [known]);

  const signedOut = useCallback(() => setPerson({ state: "anonymous" }), []);
  return { person, reload, signedOut, asking };
}

export function App(): ReactNode {
  const place = parsePlace(usePath());
  const isLink = place.area === "link";
  const { person, reload, signedOut, asking } = useSession(!isLink);
  const me = person.state === "known" ? person.me : null;
  const state = useMemo(() => (me === null ? null : { me, reload, signedOut }), [me, reload, signedOut]);
  const loading = <Spinner label={texts.loading} />;

  if (isLink) return <Suspense fallback={loading}><LinkPage /></Suspense>;
  if (person.state === "failed") {
    return (
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody>{messageOf(person.error)}</MessageBarBody>
        <MessageBarActions><Button onClick={reload}>{texts.retry}</Button></MessageBarActions>
      </MessageBar>
    );
  }
  if (person.state === "anonymous") return <SignInPage onSignedIn={reload} />;
  if (state === null) return loading;
  return (
    <MeContext.Provider value={state}>
      <Frame place={place}>
        <Suspense fallback={loading}><PageOf place={place} /></Suspense>
      </Frame>
      {asking && <SignInAgain email={state.me.email} onDone={asking} onLeave={() => { asking(false); signedOut(); }} />}
    </MeContext.Provider>
  );
}
