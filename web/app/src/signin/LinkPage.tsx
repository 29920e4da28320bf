// The page of one-time links: set-up, invitation, new password. The code stands behind '#' in the
// address, so that no server sees it until it is used; it is taken out of the address at once.

import { useEffect, useState, type ReactNode } from "react";
import { messageOf } from "../api/client";
import { inspectLink } from "../api/people";
import type { LinkInfo } from "../api/types";
import { defineTexts } from "../base/texts";
import { Loading } from "../frame/parts";
import { LinkForm } from "./LinkForm";
import { useCardStyles } from "./SignInPage";

const texts = defineTexts({
  en: {
    checking: "Checking the link …",
    broken: "This link does not work",
    empty: "The address has no code. Open the whole link that you were given.",
  },
});

const code = location.hash.slice(1);
if (code !== "") history.replaceState(null, "", location.pathname);

export default function LinkPage(): ReactNode {
  const styles = useCardStyles();
  const [info, setInfo] = useState<LinkInfo | null>(null);
  const [problem, setProblem] = useState(code === "" ? texts.empty : "");

  useEffect(() => {
    if (code === "") return;
    inspectLink(code).then(setInfo, (error: unknown) => setProblem(messageOf(error)));
  }, []);

  return (
    <main className={styles.page}>
      <div className={styles.card}>
        {info ? <LinkForm code={code} info={info} /> : (
          <>
            <h1 className={styles.title}>{problem ? texts.broken : texts.checking}</h1>
            {problem ? <p role="alert">{problem}</p> : <Loading />}
          </>)}
      </div>
    </main>
  );
}
