import {
  Button, Checkbox, Link as TextButton, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, Tooltip, makeStyles,
  mergeClasses, tokens as theme, useRestoreFocusTarget,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { UsageSum } from "../api/tokens";
import type { Token } from "../api/types";
import { daysUntil, formatDayUtc, formatInstant, formatInstantUtc, formatRelative } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import { fullAccess, type ScopeSet } from "./scopes";
import { useTableStyles } from "./TokenTable";
import type { Task } from "./TokensPage";
import { TokenStatusMark } from "./TokenStatusMark";
import { UsageCell } from "./UsageCell";

const texts = defineTexts({
  en: {
    select: (name: string) => `Select ${name}`,
    actions: (name: string) => `Actions for ${name}`,
    edit: "Edit",
    regenerate: "Regenerate",
    revoke: "Revoke",
    again: "Create a new one like this",
    usage: "Usage",
    fullAccess: "Full access",
    never: "Never",
    from: (address: string) => `from ${address}`,
    expires: (day: string) => `expires ${day}`,
  },
});

const useStyles = makeStyles({
  name: { fontWeight: theme.fontWeightSemibold, overflowWrap: "anywhere", textAlign: "left" },
  second: {
    display: "block", color: theme.colorNeutralForeground3, fontSize: theme.fontSizeBase200, overflowWrap: "anywhere",
    fontWeight: theme.fontWeightRegular,
  },
  soon: {
    display: "block", color: theme.colorStatusWarningForeground3, fontSize: theme.fontSizeBase200, whiteSpace: "nowrap",
  },
  narrow: { display: "none", "@media (max-width: 640px)": { display: "block" } },
  row: { ":hover": { backgroundColor: theme.colorNeutralBackground3 } },
  chosen: { backgroundColor: theme.colorNeutralBackground3, boxShadow: `inset 2px 0 ${theme.colorBrandStroke1}` },
  action: { width: "40px", textAlign: "right" },
});

const nearDays = 14;

interface Props {
  token: Token;
  sum: UsageSum | undefined;
  set: ScopeSet;
  organization: string;
  isSelected: boolean;
  onSelect: (on: boolean) => void;
  onTask: (task: Task) => void;
}

function RowMenu({ token, onTask }: Pick<Props, "token" | "onTask">): ReactNode {
  const restore = useRestoreFocusTarget();
  const isActive = token.status === "active";
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button {...restore} appearance="subtle" size="small" icon={<Icon name="more" />}
          aria-label={texts.actions(token.displayName)} />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {isActive && <>
            <MenuItem icon={<Icon name="edit" />} onClick={() => onTask({ kind: "edit", token })}>{texts.edit}</MenuItem>
            <MenuItem icon={<Icon name="regenerate" />} onClick={() => onTask({ kind: "regenerate", token })}>
              {texts.regenerate}</MenuItem>
            <MenuItem icon={<Icon name="revoke" />} onClick={() => onTask({ kind: "revoke", tokens: [token] })}>
              {texts.revoke}</MenuItem></>}
          <MenuItem icon={<Icon name="chart" />} onClick={() => onTask({ kind: "usage", token })}>{texts.usage}</MenuItem>
          <MenuItem icon={<Icon name="add" />} onClick={() => onTask({ kind: "create", like: token, prefill: null })}>
            {texts.again}</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

export function TokenRow({ token, sum, set, organization, isSelected, onSelect, onTask }: Props): ReactNode {
  const table = useTableStyles();
  const styles = useStyles();
  const restore = useRestoreFocusTarget();
  const now = Date.now();
  const left = daysUntil(token.validTo, now);
  const isNear = token.status === "active" && left < nearDays;
  const day = formatDayUtc(token.validTo);
  return (
    <tr className={mergeClasses(styles.row, isSelected && styles.chosen)}>
      <td className={mergeClasses(table.cell, table.tick)}>
        <Checkbox aria-label={texts.select(token.displayName)} checked={isSelected}
          onChange={(_, data) => onSelect(data.checked === true)} />
      </td>
      <th scope="row" className={table.cell}>
        {token.status === "active" ? (
          <TextButton {...restore} as="button" className={styles.name} onClick={() => onTask({ kind: "edit", token })}>
            {token.displayName}</TextButton>) : <span className={styles.name}>{token.displayName}</span>}
        <span className={styles.second}>
          {token.scope === fullAccess ? texts.fullAccess : set.describe(token.scope, texts.fullAccess)}</span>
        <span className={mergeClasses(styles.second, styles.narrow)}>{texts.expires(day)}</span>
      </th>
      <td className={table.cell}><TokenStatusMark token={token} set={set} /></td>
      <td className={mergeClasses(table.cell, table.below1000)}>{organization}</td>
      <td className={mergeClasses(table.cell, table.below640)}>
        <Tooltip content={formatInstantUtc(token.validTo)} relationship="description">
          <span tabIndex={0} className={table.line}>{day}</span></Tooltip>
        {isNear && <span className={styles.soon}>{formatRelative(token.validTo, now)}</span>}
      </td>
      <td className={mergeClasses(table.cell, table.below640)}>
        {token.lastUsedOn ? <>
          <Tooltip content={`${formatInstant(token.lastUsedOn)} ${token.lastUsedBy ?? ""}`} relationship="description">
            <span tabIndex={0} className={table.line}>{formatRelative(token.lastUsedOn, now)}</span></Tooltip>
          <span className={styles.second}>{texts.from(token.lastUsedFrom ?? "")}</span></> : texts.never}
      </td>
      <td className={mergeClasses(table.cell, table.below1200)}><UsageCell sum={sum} /></td>
      <td className={mergeClasses(table.cell, table.below1200)}>
        <Tooltip content={formatInstantUtc(token.validFrom)} relationship="description">
          <span tabIndex={0} className={table.line}>{formatDayUtc(token.validFrom)}</span></Tooltip>
      </td>
      <td className={mergeClasses(table.cell, styles.action)}><RowMenu token={token} onTask={onTask} /></td>
    </tr>
  );
}
