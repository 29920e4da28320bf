import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, makeStyles,
} from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { regenerateToken } from "../api/tokens";
import type { Token } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Problem } from "../frame/parts";
import { useAction } from "../hooks/action";
import { useAttempts } from "../hooks/attempt";
import { ExpiryField } from "./ExpiryField";
import { validTo } from "./expiry";
import { problemOf, type FormExpiry } from "./form";
import type { Done } from "./TokensPage";

const texts = defineTexts({
  en: {
    title: "Confirmation",
    ask: (name: string) => `Regenerate the token "${name}"?`,
    effect: "It gets a new text, shown once. The old text stops working at once, everywhere it is used. Name and scopes " +
      "stay.",
    used: (when: string, address: string) => `It was last used ${when} from ${address}.`,
    unused: "It has never been used.",
    regenerate: "Regenerate",
    cancel: "Cancel",
  },
});

const useStyles = makeStyles({ content: { display: "flex", flexDirection: "column", gap: "12px" }, text: { margin: 0 } });

interface Expiry {
  expiry: FormExpiry;
  day: string;
}

interface Props {
  organization: string;
  token: Token;
  onClose: () => void;
  onIssued: (done: Done) => void;
}

export default function RegenerateDialog({ organization, token, onClose, onIssued }: Props): ReactNode {
  const styles = useStyles();
  const { isRunning, error, run } = useAction();
  const [expiry, setExpiry] = useState<Expiry>({ expiry: "keep", day: "" });
  const attempts = useAttempts<Expiry, string | null>();
  const problem = problemOf(error);

  const regenerate = async (): Promise<void> => {
    const attempt = attempts.of(expiry, () => {
      if (expiry.expiry === "keep") return null;
      const end = validTo(expiry.expiry, expiry.day, new Date());
      if (end === null) throw new ApiError({ status: 0, message: "", patTokenError: "invalidValidTo" });
      return end.toISOString();
    });
    try {
      const issued = await regenerateToken(organization, token.authorizationId, attempt.wish, attempt.key);
      onIssued({ issued, organization, isNew: false });
    } catch (failure) {
      // Its text cannot be shown any more: who asks again wants another one.
      if (failure instanceof ApiError && failure.status === 409) attempts.forget();
      throw failure;
    }
  };

  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => { if (!data.open && !isRunning) onClose(); }}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{texts.title}</DialogTitle>
          <DialogContent className={styles.content}>
            <p className={styles.text}><strong>{texts.ask(token.displayName)}</strong></p>
            <p className={styles.text}>{texts.effect}</p>
            <p className={styles.text}>{token.lastUsedOn ?
              texts.used(formatInstant(token.lastUsedOn), token.lastUsedFrom ?? "") : texts.unused}</p>
            <ExpiryField {...expiry} kept={token} onChange={(part) => setExpiry((old) => ({ ...old, ...part }))}
              message={problem?.field === "expiry" ? problem.message : undefined} />
            {problem && problem.field !== "expiry" && <Problem error={new Error(problem.message)} />}
          </DialogContent>
          <DialogActions>
            <Button disabled={isRunning} onClick={onClose}>{texts.cancel}</Button>
            <Button appearance="primary" disabled={isRunning} onClick={() => { void run(regenerate); }}>
              {texts.regenerate}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
