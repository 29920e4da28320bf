// The token, once.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, MessageBar, MessageBarBody,
  Tab, TabList, makeStyles, tokens as theme,
} from "@fluentui/react-components";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { defineTexts } from "../base/texts";
import { setLeaveGuard } from "../base/router";
import { Icon } from "../frame/icons";
import { exampleNames, exampleOf, type ExampleName } from "./examples";
import { SecretCode, SecretInput, copyText } from "./SecretBox";
import type { Done } from "./TokensPage";

const texts = defineTexts({
  en: {
    title: "Success!",
    added: "You have successfully added a new personal access token. Copy the token now!",
    renewed: "The token has a new text; the old one no longer works. Copy the token now!",
    label: (name: string) => `${name} token`,
    copy: "Copy",
    copied: "Copied",
    failed: "The browser did not allow copying. Select the text and copy it.",
    warning: "Warning - Make sure you copy the above token now. We don't store it and you will not be able to see " +
      "it again.",
    examples: "Ready to paste",
    names: { curl: "curl", git: "git", az: "az devops", npm: "npm" },
    example: (name: string) => `Example for ${name}`,
    copyExample: "Copy example",
    close: "Close",
    ask: "You have not copied the token, and you will not see it again. Close all the same?",
    back: "Go back",
    anyway: "Close without copying",
  },
});

const useStyles = makeStyles({
  surface: { maxWidth: "680px" },
  content: { display: "flex", flexDirection: "column", gap: "12px" },
  row: { display: "flex", gap: "8px", alignItems: "stretch" },
  copy: { minWidth: "104px", flexShrink: 0 },
  label: { fontWeight: theme.fontWeightSemibold, margin: 0 },
  text: { margin: 0 },
  copyExample: { alignSelf: "flex-end" },
});

export default function SuccessDialog({ done, onClose }: { done: Done; onClose: () => void }): ReactNode {
  const styles = useStyles();
  const { token, secret } = done.issued;
  const [copied, setCopied] = useState<"token" | "example" | "failed" | null>(null);
  const [isAsking, setAsking] = useState(false);
  const [example, setExample] = useState<ExampleName>("curl");
  const hasCopy = copied === "token" || copied === "example";

  const readToken = useCallback(() => secret.reveal(), [secret]);
  const readExample = useCallback(
    () => exampleOf(example, secret.reveal(), { origin: location.origin, organization: done.organization }),
    [example, secret, done.organization]);

  useEffect(() => {
    if (hasCopy) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    setLeaveGuard(() => { setAsking(true); return false; });
    return () => {
      window.removeEventListener("beforeunload", warn);
      setLeaveGuard(null);
    };
  }, [hasCopy]);

  const copy = (what: "token" | "example"): void => {
    void copyText(what === "token" ? readToken() : readExample()).then((ok) => {
      setCopied(ok ? what : "failed");
      if (ok) setAsking(false);
    });
  };
  const end = (): void => {
    secret.forget();
    onClose();
  };
  const close = (): void => {
    if (hasCopy) end();
    else setAsking(true);
  };

  return (
    <Dialog open onOpenChange={(_, data) => { if (!data.open) close(); }}>
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>{texts.title}</DialogTitle>
          <DialogContent className={styles.content}>
            <p className={styles.text}>{done.isNew ? texts.added : texts.renewed}</p>
            <p className={styles.label}>{texts.label(token.displayName)}</p>
            <div className={styles.row}>
              <SecretInput read={readToken} label={texts.label(token.displayName)}
                onCopy={() => setCopied("token")} />
              <Button className={styles.copy} appearance="primary" onClick={() => copy("token")}
                icon={<Icon name={copied === "token" ? "check" : "copy"} />}>
                {copied === "token" ? texts.copied : texts.copy}</Button>
            </div>
            <div role="status">{copied === "failed" ? texts.failed : null}</div>
            <MessageBar intent="warning" layout="multiline"><MessageBarBody>{texts.warning}</MessageBarBody></MessageBar>
            <p className={styles.label}>{texts.examples}</p>
            <TabList selectedValue={example} size="small" onTabSelect={(_, data) => {
              const next = exampleNames.find((name) => name === data.value);
              if (next) setExample(next);
            }}>
              {exampleNames.map((name) => <Tab key={name} value={name}>{texts.names[name]}</Tab>)}
            </TabList>
            <SecretCode read={readExample} label={texts.example(texts.names[example])} />
            <Button className={styles.copyExample} size="small" onClick={() => copy("example")}
              icon={<Icon name={copied === "example" ? "check" : "copy"} />}>
              {copied === "example" ? texts.copied : texts.copyExample}</Button>
            {isAsking && !hasCopy && (
              <MessageBar intent="error" layout="multiline" role="alert"><MessageBarBody>{texts.ask}</MessageBarBody></MessageBar>)}
          </DialogContent>
          <DialogActions>
            {isAsking && !hasCopy ? <>
              <Button onClick={() => setAsking(false)}>{texts.back}</Button>
              <Button appearance="primary" onClick={end}>{texts.anyway}</Button></> :
              <Button onClick={close}>{texts.close}</Button>}
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
