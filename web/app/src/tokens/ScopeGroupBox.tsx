import { Badge, Checkbox, makeStyles, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { defineTexts } from "../base/texts";
import type { ScopeGroup } from "./scopes";

const texts = defineTexts({
  en: {
    high: "High privilege",
    implied: "Included in a higher level",
    separator: " · ",
  },
});

const useStyles = makeStyles({
  group: {
    border: "none", margin: 0, padding: "8px 0 4px", minWidth: 0, borderTop: `1px solid ${theme.colorNeutralStroke3}`,
  },
  category: { fontWeight: theme.fontWeightSemibold, padding: 0, float: "left", width: "100%" },
  about: {
    clear: "both", margin: 0, color: theme.colorNeutralForeground3, fontSize: theme.fontSizeBase200,
    overflowWrap: "anywhere",
  },
  levels: { display: "flex", flexWrap: "wrap", columnGap: "8px" },
  level: { display: "inline-flex", alignItems: "center" },
  badge: { marginRight: "4px" },
});

interface Props {
  group: ScopeGroup;
  chosen: ReadonlySet<string>;
  implied: ReadonlySet<string>;
  onToggle: (id: string, on: boolean) => void;
}

export function ScopeGroupBox({ group, chosen, implied, onToggle }: Props): ReactNode {
  const styles = useStyles();
  return (
    <fieldset className={styles.group}>
      <legend className={styles.category}>{group.category}</legend>
      <p className={styles.about}>{group.scopes[0]?.description}</p>
      <div className={styles.levels}>
        {group.scopes.map((scope) => {
          const isImplied = implied.has(scope.identifier);
          return (
            <span key={scope.identifier} className={styles.level} title={`${scope.identifier}: ${scope.description}`}>
              <Checkbox label={scope.level} disabled={isImplied} checked={isImplied || chosen.has(scope.identifier)}
                onChange={(_, data) => onToggle(scope.identifier, data.checked === true)} />
              {scope.highPrivilege && (
                <Badge className={styles.badge} appearance="outline" color="warning" size="small" role="img"
                  aria-label={texts.high} title={texts.high}>!</Badge>)}
            </span>);
        })}
      </div>
    </fieldset>
  );
}
