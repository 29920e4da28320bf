import { Button, makeStyles, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import type { TokenList } from "./useTokenList";

const texts = defineTexts({
  en: {
    title: "You have no active tokens here",
    about: "A personal access token is a password that you make for one program: it does only what its scopes " +
      "allow, ends on a day that you choose, and can be revoked alone. Give each program its own.",
    none: "No token matches",
    other: "Try another status, or another part of the name.",
    create: "New Token",
    showAll: "Show all tokens",
  },
});

const useStyles = makeStyles({
  box: {
    display: "flex", flexDirection: "column", alignItems: "center", textAlign: "center", gap: "8px", padding: "48px 16px",
    backgroundColor: theme.colorNeutralBackground1, borderRadius: theme.borderRadiusMedium,
  },
  icon: { fontSize: "40px", color: theme.colorBrandForeground1 },
  title: { margin: 0, fontSize: theme.fontSizeBase500, fontWeight: 600 },
  about: { margin: "0 0 8px", maxWidth: "56ch", color: theme.colorNeutralForeground2 },
});

export function EmptyState({ list, onCreate }: { list: TokenList; onCreate: () => void }): ReactNode {
  const styles = useStyles();
  const isPlain = list.query.filter === "active" && list.query.search === "";
  return (
    <div className={styles.box}>
      <Icon name="key" className={styles.icon} />
      <h2 className={styles.title}>{isPlain ? texts.title : texts.none}</h2>
      <p className={styles.about}>{isPlain ? texts.about : texts.other}</p>
      {isPlain ? <Button icon={<Icon name="add" />} onClick={onCreate}>{texts.create}</Button> :
        <Button onClick={() => { list.setSearch(""); list.setFilter("all"); }}>{texts.showAll}</Button>}
    </div>
  );
}
