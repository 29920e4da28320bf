// How simple tables look.

import { makeStyles, tokens } from "@fluentui/react-components";

export const useSimpleTable = makeStyles({
  wrap: { overflowX: "auto" },
  table: {
    width: "100%", borderCollapse: "collapse", textAlign: "left", backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow2, borderRadius: tokens.borderRadiusMedium,
  },
  head: {
    padding: "8px 12px", fontSize: tokens.fontSizeBase200, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    whiteSpace: "nowrap",
  },
  cell: {
    padding: "8px 12px", borderBottom: `1px solid ${tokens.colorNeutralStroke3}`, overflowWrap: "anywhere",
    fontWeight: "inherit",
  },
  second: { display: "block", color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  actions: { display: "flex", flexWrap: "wrap", gap: "8px" },
  wide: { "@media (max-width: 640px)": { display: "none" } },
  bar: { display: "flex", flexWrap: "wrap", gap: "8px", marginBottom: "16px", alignItems: "flex-end" },
  section: { margin: "32px 0 8px", fontSize: tokens.fontSizeBase500, fontWeight: 600 },
  form: { display: "flex", flexDirection: "column", gap: "12px", maxWidth: "420px", alignItems: "stretch" },
  submit: { alignSelf: "flex-start" },
  stack: { display: "flex", flexDirection: "column", gap: "12px" },
});
