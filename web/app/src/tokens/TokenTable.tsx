import { Button, Checkbox, makeStyles, mergeClasses, tokens as theme } from "@fluentui/react-components";
import { memo, type ReactNode } from "react";
import type { TokenSort, UsageList } from "../api/tokens";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import { TokenRow } from "./TokenRow";
import type { ScopeSet } from "./scopes";
import type { Task } from "./TokensPage";
import { daysListed, sumOf } from "./usage";
import type { TokenList } from "./useTokenList";

const texts = defineTexts({
  en: {
    caption: "Personal access tokens",
    selectAll: "Select all on this page",
    columns: {
      displayName: "Token name", status: "Status", expiresOn: "Expires on", lastUsedOn: "Last used",
      createdOn: "Created",
    },
    organization: "Organization",
    usage: `Last ${daysListed} days`,
    actions: "Actions",
  },
});

export const useTableStyles = makeStyles({
  table: {
    width: "100%", borderCollapse: "collapse", backgroundColor: theme.colorNeutralBackground1,
    borderRadius: theme.borderRadiusMedium, boxShadow: theme.shadow2, textAlign: "left",
  },
  head: {
    fontWeight: theme.fontWeightSemibold, fontSize: theme.fontSizeBase200, padding: "4px 8px",
    borderBottom: `1px solid ${theme.colorNeutralStroke2}`, whiteSpace: "nowrap", color: theme.colorNeutralForeground2,
  },
  cell: {
    padding: "6px 8px", borderBottom: `1px solid ${theme.colorNeutralStroke3}`, verticalAlign: "middle",
    fontSize: theme.fontSizeBase300,
  },
  line: { whiteSpace: "nowrap" },
  tick: { width: "32px", padding: "0 0 0 4px" },
  sort: { minWidth: 0, padding: "2px 4px", marginLeft: "-4px", fontSize: theme.fontSizeBase200, fontWeight: 600 },
  below1200: { "@media (max-width: 1200px)": { display: "none" } },
  below1000: { "@media (max-width: 1000px)": { display: "none" } },
  below640: { "@media (max-width: 640px)": { display: "none" } },
  hidden: {
    position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)",
  },
});

interface Props {
  tokens: Token[];
  usage: UsageList | undefined;
  set: ScopeSet;
  list: TokenList;
  organization: string;
  onTask: (task: Task) => void;
}

function TokenTableView({ tokens, usage, set, list, organization, onTask }: Props): ReactNode {
  const styles = useTableStyles();
  const { sort, ascending } = list.query;
  const all = tokens.every((token) => list.selected.has(token.authorizationId));
  const some = tokens.some((token) => list.selected.has(token.authorizationId));

  const head = (name: TokenSort, className?: string): ReactNode => (
    <th scope="col" className={mergeClasses(styles.head, className)}
      aria-sort={sort === name ? (ascending ? "ascending" : "descending") : undefined}>
      <Button appearance="transparent" size="small" className={styles.sort} onClick={() => list.sortBy(name)}
        iconPosition="after" icon={sort === name ? <Icon name={ascending ? "up" : "down"} /> : undefined}>
        {texts.columns[name]}</Button>
    </th>);

  return (
    <table className={styles.table}>
      <caption className={styles.hidden}>{texts.caption}</caption>
      <thead>
        <tr>
          <th scope="col" className={mergeClasses(styles.head, styles.tick)}>
            <Checkbox aria-label={texts.selectAll} checked={all ? true : some ? "mixed" : false}
              onChange={() => list.select(new Set(all ? [] : tokens.map((token) => token.authorizationId)))} />
          </th>
          {head("displayName")}
          {head("status")}
          <th scope="col" className={mergeClasses(styles.head, styles.below1000)}>{texts.organization}</th>
          {head("expiresOn", styles.below640)}
          {head("lastUsedOn", styles.below640)}
          <th scope="col" className={mergeClasses(styles.head, styles.below1200)}>{texts.usage}</th>
          {head("createdOn", styles.below1200)}
          <th scope="col" className={styles.head}><span className={styles.hidden}>{texts.actions}</span></th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <TokenRow key={token.authorizationId} token={token} sum={sumOf(usage, token.authorizationId)} set={set}
            organization={organization} onTask={onTask}
            isSelected={list.selected.has(token.authorizationId)}
            onSelect={(on) => {
              const next = new Set(list.selected);
              if (on) next.add(token.authorizationId);
              else next.delete(token.authorizationId);
              list.select(next);
            }} />))}
      </tbody>
    </table>
  );
}

export const TokenTable = memo(TokenTableView);
