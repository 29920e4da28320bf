// What expires when, and what was never used, over all active tokens.

import { makeStyles, mergeClasses, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { listTokens } from "../api/tokens";
import type { Token } from "../api/types";
import { defineTexts } from "../base/texts";
import { Loading, Problem } from "../frame/parts";
import { useResource } from "../hooks/resource";
import { bucketsOf, type Bucket } from "./timeline";

const texts = defineTexts({
  en: {
    title: "What expires when",
    week: "Next 7 days",
    fortnight: "The 7 days after",
    count: (count: number) => count === 1 ? "1 token" : `${count} tokens`,
    unused: (count: number) => count === 0 ? "Every active token has been used." :
      `${count === 1 ? "1 active token was" : `${count} active tokens were`} never used. Revoke what nothing needs:`,
    more: (count: number) => ` and ${count} more`,
    none: "There are no active tokens.",
    partial: (count: number) => `Counted over the ${count} tokens that expire first.`,
  },
});

const tokensMax = 2000;
const namesMax = 6;
const month = new Intl.DateTimeFormat(navigator.language, { month: "long", year: "numeric", timeZone: "UTC" });

async function loadAll(organization: string, signal: AbortSignal): Promise<Token[]> {
  const all: Token[] = [];
  let continuationToken = "";
  do {
    const page = await listTokens(organization,
      { filter: "active", sort: "expiresOn", ascending: true, search: "", top: 100, continuationToken }, signal);
    all.push(...page.tokens);
    continuationToken = page.continuationToken;
  } while (continuationToken !== "" && all.length < tokensMax);
  return all;
}

const useStyles = makeStyles({
  box: {
    backgroundColor: theme.colorNeutralBackground1, borderRadius: theme.borderRadiusMedium, padding: "16px",
    marginBottom: "12px", boxShadow: theme.shadow2,
  },
  title: { margin: "0 0 8px", fontSize: theme.fontSizeBase400, fontWeight: 600 },
  list: { listStyleType: "none", margin: 0, padding: 0 },
  row: { display: "grid", gridTemplateColumns: "130px 1fr", gap: "2px 12px", padding: "3px 0", alignItems: "center" },
  bar: { height: "8px", borderRadius: "4px", backgroundColor: theme.colorBrandBackground, minWidth: "4px" },
  soon: { backgroundColor: theme.colorStatusWarningForeground3 },
  line: { display: "flex", alignItems: "center", gap: "8px" },
  names: { gridColumnStart: 2, color: theme.colorNeutralForeground3, fontSize: theme.fontSizeBase200, overflowWrap: "anywhere" },
  text: { margin: "8px 0 0" },
});

function namesOf(tokens: readonly Token[]): string {
  const names = tokens.slice(0, namesMax).map((token) => token.displayName).join(", ");
  return names + (tokens.length > namesMax ? texts.more(tokens.length - namesMax) : "");
}

function Row({ bucket, most }: { bucket: Bucket; most: number }): ReactNode {
  const styles = useStyles();
  const isSoon = bucket.key === "week" || bucket.key === "fortnight";
  const name = bucket.key === "week" ? texts.week : bucket.key === "fortnight" ? texts.fortnight :
    month.format(new Date(`${bucket.key}-01T00:00:00Z`));
  return (
    <li className={styles.row}>
      <span>{name}</span>
      <span className={styles.line}>
        {bucket.tokens.length > 0 && (
          <span className={mergeClasses(styles.bar, isSoon && styles.soon)}
            style={{ width: `${(70 * bucket.tokens.length) / most}%` }} />)}
        {texts.count(bucket.tokens.length)}
      </span>
      {bucket.tokens.length > 0 && <span className={styles.names}>{namesOf(bucket.tokens)}</span>}
    </li>
  );
}

export default function Glance({ organization }: { organization: string }): ReactNode {
  const styles = useStyles();
  const all = useResource(organization, (signal) => loadAll(organization, signal));
  if (all.error) return <Problem error={all.error} onRetry={all.reload} />;
  if (all.data === undefined) return <Loading />;
  const buckets = bucketsOf(all.data, Date.now());
  const most = Math.max(1, ...buckets.map((bucket) => bucket.tokens.length));
  const unused = all.data.filter((token) => !token.lastUsedOn);
  return (
    <section className={styles.box} aria-label={texts.title}>
      <h2 className={styles.title}>{texts.title}</h2>
      {all.data.length === 0 ? <p className={styles.text}>{texts.none}</p> : <>
        <ul className={styles.list}>
          {buckets.map((bucket) => <Row key={bucket.key} bucket={bucket} most={most} />)}
        </ul>
        <p className={styles.text}>{texts.unused(unused.length)} {namesOf(unused)}</p>
        {all.data.length >= tokensMax && <p className={styles.text}>{texts.partial(all.data.length)}</p>}</>}
    </section>
  );
}
