import {
  Button, Input, Select, ToggleButton, makeStyles, useRestoreFocusTarget,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { TokenFilter } from "../api/tokens";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import type { Task } from "./TokensPage";
import type { TokenList } from "./useTokenList";

const texts = defineTexts({
  en: {
    create: "New Token",
    revoke: "Revoke",
    revokeMany: (count: number) => `Revoke (${count})`,
    edit: "Edit",
    regenerate: "Regenerate",
    glance: "At a glance",
    search: "Search by name",
    status: "Status",
    filters: { active: "Active", revoked: "Revoked", expired: "Expired", all: "All" },
    actions: "Tokens",
  },
});

const filters: TokenFilter[] = ["active", "revoked", "expired", "all"];

const useStyles = makeStyles({
  bar: { display: "flex", flexWrap: "wrap", gap: "8px", alignItems: "center", marginBottom: "12px" },
  space: { flexGrow: 1 },
  search: { width: "220px", "@media (max-width: 480px)": { width: "100%" } },
});

interface Props {
  list: TokenList;
  tokens: Token[];
  onTask: (task: Task) => void;
  onCreate: () => void;
  isGlance: boolean;
  onGlance: () => void;
}

export function TokenToolbar({ list, tokens, onTask, onCreate, isGlance, onGlance }: Props): ReactNode {
  const styles = useStyles();
  const restore = useRestoreFocusTarget();
  const chosen = tokens.filter((token) => list.selected.has(token.authorizationId) && token.status !== "revoked");
  const [only] = chosen;
  const single = chosen.length === 1 && only?.status === "active" ? only : null;
  return (
    <div className={styles.bar} role="group" aria-label={texts.actions}>
      <Button {...restore} appearance="primary" icon={<Icon name="add" />} onClick={onCreate}>{texts.create}</Button>
      {chosen.length > 0 && (
        <Button {...restore} icon={<Icon name="revoke" />} onClick={() => onTask({ kind: "revoke", tokens: chosen })}>
          {chosen.length === 1 ? texts.revoke : texts.revokeMany(chosen.length)}</Button>)}
      {single && <>
        <Button {...restore} icon={<Icon name="edit" />} onClick={() => onTask({ kind: "edit", token: single })}>
          {texts.edit}</Button>
        <Button {...restore} icon={<Icon name="regenerate" />}
          onClick={() => onTask({ kind: "regenerate", token: single })}>{texts.regenerate}</Button></>}
      <span className={styles.space} />
      <ToggleButton appearance="subtle" checked={isGlance} onClick={onGlance}>{texts.glance}</ToggleButton>
      <Input className={styles.search} type="search" aria-label={texts.search} placeholder={texts.search}
        contentBefore={<Icon name="search" />} value={list.search} maxLength={256}
        onChange={(_, data) => list.setSearch(data.value)} />
      <Select aria-label={texts.status} value={list.query.filter}
        onChange={(_, data) => {
          const next = filters.find((value) => value === data.value);
          if (next) list.setFilter(next);
        }}>
        {filters.map((value) => <option key={value} value={value}>{texts.filters[value]}</option>)}
      </Select>
    </div>
  );
}
