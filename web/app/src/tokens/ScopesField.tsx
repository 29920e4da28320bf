// Full access, or the check boxes of the scopes.

import {
  Button, Field, Input, Link as TextButton, Radio, RadioGroup, makeStyles, tokens as theme,
} from "@fluentui/react-components";
import { Suspense, lazy, useMemo, useState, type ReactNode } from "react";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import { Loading } from "../frame/parts";
import type { TokenValues } from "./form";
import { ScopeGroupBox } from "./ScopeGroupBox";
import { groupScopes, matchesSearch, type ScopeSet } from "./scopes";

const ScopeFinder = lazy(() => import("./ScopeFinder"));

const texts = defineTexts({
  en: {
    title: "Scopes",
    about: "Authorize the scope of access associated with this token",
    mode: "Access",
    full: "Full access",
    fullHint: "Everything that you may do, now and later. Choose scopes instead wherever you can.",
    custom: "Custom defined",
    search: "Search scopes",
    showAll: (count: number) => `Show all scopes (${count} more)`,
    showLess: "Show less scopes",
    none: "No scope matches.",
    finder: "Which scope do I need?",
  },
});

const useStyles = makeStyles({
  box: { display: "flex", flexDirection: "column", gap: "8px", border: "none", margin: 0, padding: 0, minWidth: 0 },
  title: { padding: 0, fontWeight: theme.fontWeightSemibold, fontSize: theme.fontSizeBase400 },
  about: { margin: 0, color: theme.colorNeutralForeground3 },
  tools: { display: "flex", flexWrap: "wrap", gap: "8px" },
  search: { flexGrow: 1, minWidth: "200px" },
  more: { alignSelf: "flex-start" },
  hint: { margin: 0, color: theme.colorStatusWarningForeground3, fontSize: theme.fontSizeBase200 },
});

interface Props {
  set: ScopeSet;
  values: TokenValues;
  message: string | undefined;
  onChange: (part: Partial<TokenValues>) => void;
}

export function ScopesField({ set, values, message, onChange }: Props): ReactNode {
  const styles = useStyles();
  const { first, rest } = useMemo(() => groupScopes(set.scopes), [set]);
  const [isAll, setAll] = useState(() => rest.some((group) =>
    group.scopes.some((scope) => values.scopes.has(scope.identifier))));
  const [search, setSearch] = useState("");
  const [isFinder, setFinder] = useState(false);
  const implied = set.impliedBy(values.scopes);
  const more = rest.reduce((sum, group) => sum + group.scopes.length, 0);

  const words = search.trim();
  const shown = words === "" ? (isAll ? [...first, ...rest] : first) :
    [...first, ...rest].map((group) => ({
      ...group, scopes: group.scopes.filter((scope) => matchesSearch(scope, words)),
    })).filter((group) => group.scopes.length > 0);

  return (
    <fieldset className={styles.box}>
      <legend className={styles.title}>{texts.title}</legend>
      <p className={styles.about}>{texts.about}</p>
      <Field validationMessage={message}>
        <RadioGroup layout="horizontal" aria-label={texts.mode} value={values.isFull ? "full" : "custom"}
          onChange={(_, data) => onChange({ isFull: data.value === "full" })}>
          <Radio value="full" label={texts.full} />
          <Radio value="custom" label={texts.custom} />
        </RadioGroup>
      </Field>
      {values.isFull ? <p className={styles.hint}>{texts.fullHint}</p> : <>
        <div className={styles.tools}>
          <Input className={styles.search} type="search" aria-label={texts.search} placeholder={texts.search}
            contentBefore={<Icon name="search" />} value={search} onChange={(_, data) => setSearch(data.value)}
            onKeyDown={(event) => { if (event.key === "Enter") event.preventDefault(); }} />
          <Button aria-expanded={isFinder} onClick={() => setFinder(!isFinder)}>{texts.finder}</Button>
        </div>
        {isFinder && (
          <Suspense fallback={<Loading />}>
            <ScopeFinder set={set} chosen={values.scopes}
              onAdd={(id) => onChange({ scopes: set.toggle(values.scopes, id, true) })} />
          </Suspense>)}
        {shown.map((group) => (
          <ScopeGroupBox key={group.category} group={group} chosen={values.scopes} implied={implied}
            onToggle={(id, on) => onChange({ scopes: set.toggle(values.scopes, id, on) })} />))}
        {shown.length === 0 && <p className={styles.about}>{texts.none}</p>}
        {words === "" && (
          <TextButton as="button" type="button" className={styles.more} onClick={() => setAll(!isAll)}>
            {isAll ? texts.showLess : texts.showAll(more)}</TextButton>)}
      </>}
    </fieldset>
  );
}
