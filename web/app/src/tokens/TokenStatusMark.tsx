import { makeStyles, mergeClasses, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";

const texts = defineTexts({
  en: { active: "Active", expired: "Expired", revoked: "Revoked" },
});

const useStyles = makeStyles({
  mark: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap" },
  dot: { width: "8px", height: "8px", borderRadius: "50%", flexShrink: 0 },
  active: { backgroundColor: theme.colorStatusSuccessForeground3 },
  expired: { backgroundColor: theme.colorNeutralForeground3 },
  revoked: { backgroundColor: theme.colorStatusDangerForeground3 },
});

export function TokenStatusMark({ token }: { token: Token }): ReactNode {
  const styles = useStyles();
  return (
    <span className={styles.mark}>
      <span className={mergeClasses(styles.dot, styles[token.status])} />{texts[token.status]}
    </span>
  );
}
