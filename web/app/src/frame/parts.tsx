// Small parts that many pages share: a page's head, a problem with its retry, a confirmation.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, MessageBar,
  MessageBarActions, MessageBarBody, Spinner, makeStyles, tokens,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { messageOf } from "../api/client";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";

const texts = defineTexts({ en: { retry: "Try again", loading: "Loading", cancel: "Cancel" } });

const useStyles = makeStyles({
  title: { margin: 0, fontSize: tokens.fontSizeBase600, lineHeight: tokens.lineHeightBase600, fontWeight: 600 },
  about: { margin: "4px 0 16px", color: tokens.colorNeutralForeground2, maxWidth: "75ch" },
});

export function PageHead({ title, about }: { title: string; about?: ReactNode }): ReactNode {
  const styles = useStyles();
  return <><h1 className={styles.title}>{title}</h1><p className={styles.about}>{about}</p></>;
}

export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }): ReactNode {
  if (error === null || error === undefined) return null;
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody>{messageOf(error)}</MessageBarBody>
      {onRetry && <MessageBarActions><Button size="small" onClick={onRetry}>{texts.retry}</Button></MessageBarActions>}
    </MessageBar>
  );
}

export const Loading = (): ReactNode => <Spinner label={texts.loading} size="small" />;

interface ConfirmProps {
  title: string;
  children: ReactNode;
  action: string;
  work: () => Promise<void>;
  onClose: () => void;
}

// Asks before `work`; stays open with the reason when it fails. Mounted only while it is open.
export function Confirm({ title, children, action, work, onClose }: ConfirmProps): ReactNode {
  const { isRunning, error, run } = useAction();
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => { if (!data.open && !isRunning) onClose(); }}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{title}</DialogTitle>
          <DialogContent>{children}<Problem error={error} /></DialogContent>
          <DialogActions>
            <Button appearance="secondary" disabled={isRunning} onClick={onClose}>{texts.cancel}</Button>
            <Button appearance="primary" disabled={isRunning}
              onClick={() => { void run(async () => { await work(); onClose(); }); }}>{action}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
