// How one token was used, whatever its state.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, makeStyles,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { UsageChart } from "./UsageChart";

const texts = defineTexts({
  en: {
    title: (name: string) => `Usage of ${name}`,
    close: "Close",
  },
});

const useStyles = makeStyles({ title: { overflowWrap: "anywhere" } });

interface Props {
  token: Token;
  organization: string;
  onClose: () => void;
}

export default function UsageDialog({ token, organization, onClose }: Props): ReactNode {
  const styles = useStyles();
  return (
    <Dialog open onOpenChange={(_, data) => { if (!data.open) onClose(); }}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle className={styles.title}>{texts.title(token.displayName)}</DialogTitle>
          <DialogContent><UsageChart organization={organization} id={token.authorizationId} /></DialogContent>
          <DialogActions><Button onClick={onClose}>{texts.close}</Button></DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
