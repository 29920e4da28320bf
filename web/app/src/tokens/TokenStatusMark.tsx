import { makeStyles, mergeClasses, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { fullAccess, type ScopeSet } from "./scopes";

const texts = defineTexts({
  en: {
    active: "Active", expired: "Expired", revoked: "Revoked",
    withheld: "Your role here allows nothing of it",
    partly: (scopes: string) => `Your role here does not allow ${scopes}`,
  },
});

const useStyles = makeStyles({
  mark: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap" },
  dot: { width: "8px", height: "8px", borderRadius: "50%", flexShrink: 0 },
  active: { backgroundColor: theme.colorStatusSuccessForeground3 },
  expired: { backgroundColor: theme.colorNeutralForeground3 },
  idle: { backgroundColor: theme.colorStatusWarningForeground3 },
  reason: {
    display: "block", color: theme.colorStatusWarningForeground3, fontSize: theme.fontSizeBase200, maxWidth: "180px",
    overflowWrap: "anywhere",
  },
  revoked: { backgroundColor: theme.colorStatusDangerForeground3 },
});

// Why an active token does not do all that its scopes say, if so.
function reasonOf(token: Token, set: ScopeSet): string {
  const withheld = token.status === "active" ? token.withheldScopes ?? [] : [];
  if (withheld.length === 0) return "";
  // Full access is what is left of it, so something always is.
  const isAll = withheld.length === token.scope.split(" ").length && token.scope !== fullAccess &&
    withheld.every((id) => set.implied(id).size === 0);
  return isAll ? texts.withheld : texts.partly(set.describe(withheld.join(" "), set.find(fullAccess)?.level ?? fullAccess));
}

export function TokenStatusMark({ token, set }: { token: Token; set: ScopeSet }): ReactNode {
  const styles = useStyles();
  const reason = reasonOf(token, set);
  return (
    <>
      <span className={styles.mark}>
        <span className={mergeClasses(styles.dot, styles[token.status], reason !== "" && styles.idle)} />
        {texts[token.status]}
      </span>
      {reason !== "" && <span className={styles.reason}>{reason}</span>}
    </>
  );
}
