import { Button, Field, Input, makeStyles, tokens as theme } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { defineTexts } from "../base/texts";
import { Loading, Problem } from "../frame/parts";
import { useOperations } from "../hooks/operations";
import { findOperations, smallestScope, type Operation } from "./finder";
import type { ScopeSet } from "./scopes";

const texts = defineTexts({
  en: {
    label: "Method and URL, a curl command, or words",
    hint: "For example: POST https://dev.azure.com/fabrikam/_apis/projects",
    here: "this server",
    add: (name: string) => `Add ${name}`,
    has: "Already covered",
    anyToken: "Any token will do",
    refused: "No token opens this, whatever its scopes",
    fullOnly: "Full access only",
    none: "Nothing found.",
    results: "Operations found",
  },
});

const useStyles = makeStyles({
  box: {
    padding: "12px", borderRadius: theme.borderRadiusMedium, border: `1px solid ${theme.colorNeutralStroke2}`,
    backgroundColor: theme.colorNeutralBackground2,
  },
  list: { listStyleType: "none", margin: "8px 0 0", padding: 0 },
  row: {
    display: "flex", flexWrap: "wrap", gap: "4px 12px", alignItems: "center", justifyContent: "space-between",
    padding: "6px 0", borderTop: `1px solid ${theme.colorNeutralStroke3}`,
  },
  what: { minWidth: 0, flexBasis: "260px", flexGrow: 1 },
  path: { display: "block", fontFamily: theme.fontFamilyMonospace, fontSize: theme.fontSizeBase200, overflowWrap: "anywhere" },
  name: { color: theme.colorNeutralForeground3, fontSize: theme.fontSizeBase200 },
});

interface Props {
  set: ScopeSet;
  chosen: ReadonlySet<string>;
  onAdd: (id: string) => void;
}

function Answer({ operation, set, chosen, onAdd }: Props & { operation: Operation }): ReactNode {
  if (operation.isRefused) return <span>{texts.refused}</span>;
  if (operation.anyToken) return <span>{texts.anyToken}</span>;
  const all = set.impliedBy(chosen);
  if (operation.scopes.some((id) => all.has(id) || chosen.has(id))) return <span>{texts.has}</span>;
  const smallest = smallestScope(set, operation.scopes);
  if (smallest === null) return <span>{texts.fullOnly}</span>;
  const scope = set.find(smallest);
  const name = scope ? `${scope.category}: ${scope.level}` : smallest;
  return <Button size="small" onClick={() => onAdd(smallest)} title={smallest}>{texts.add(name)}</Button>;
}

export default function ScopeFinder(props: Props): ReactNode {
  const styles = useStyles();
  const [text, setText] = useState("");
  const operations = useOperations();
  const found = findOperations(operations.data ?? [], text);
  return (
    <div className={styles.box}>
      <Field label={texts.label} hint={texts.hint}>
        <Input value={text} autoFocus onChange={(_, data) => setText(data.value)}
          onKeyDown={(event) => { if (event.key === "Enter") event.preventDefault(); }} />
      </Field>
      <Problem error={operations.error} onRetry={operations.reload} />
      {operations.data === undefined && operations.isLoading && <Loading />}
      {text.trim() !== "" && operations.data !== undefined && (
        <div role="status">{found.length === 0 && texts.none}</div>)}
      {found.length > 0 && (
        <ul className={styles.list} aria-label={texts.results}>
          {found.map((operation) => (
            <li key={`${operation.host} ${operation.method} ${operation.path} ${operation.name}`} className={styles.row}>
              <span className={styles.what}>
                <span className={styles.path}>{operation.method} {operation.path}</span>
                <span className={styles.name}>{operation.name} · {operation.host || texts.here}</span>
              </span>
              <Answer {...props} operation={operation} />
            </li>))}
        </ul>)}
    </div>
  );
}
