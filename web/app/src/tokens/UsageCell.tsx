// What a row of the list says of its token's last days.

import { makeStyles, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { UsageSum } from "../api/tokens";
import { defineTexts } from "../base/texts";
import { useTableStyles } from "./TokenTable";

const number = new Intl.NumberFormat(navigator.language);

const texts = defineTexts({
  en: {
    calls: (count: number) => count === 1 ? "1 call" : `${number.format(count)} calls`,
    refused: (count: number) => `${number.format(count)} refused`,
    none: "None",
    unknown: "Not known",
  },
});

const useStyles = makeStyles({
  calls: { whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" },
  refused: {
    display: "block", color: theme.colorStatusDangerForeground3, fontSize: theme.fontSizeBase200, whiteSpace: "nowrap",
    fontVariantNumeric: "tabular-nums",
  },
  none: { color: theme.colorNeutralForeground3 },
});

export function UsageCell({ sum }: { sum: UsageSum | undefined }): ReactNode {
  const table = useTableStyles();
  const styles = useStyles();
  if (sum === undefined) {
    return (
      <span className={styles.none}>
        <span aria-hidden="true">–</span><span className={table.hidden}>{texts.unknown}</span>
      </span>);
  }
  if (sum.allowed + sum.refused === 0) return <span className={styles.none}>{texts.none}</span>;
  return (
    <>
      <span className={styles.calls}>{texts.calls(sum.allowed)}</span>
      {sum.refused > 0 && <span className={styles.refused}>{texts.refused(sum.refused)}</span>}
    </>
  );
}
