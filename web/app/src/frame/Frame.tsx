// What stands around every page: name, organization, navigation, the person's menu.

import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, type ReactNode } from "react";
import { defineTexts } from "../base/texts";
import type { Place } from "../base/router";
import { useMe } from "../hooks/resources";
import { Icon } from "./icons";
import { Link } from "./Link";
import { OrganizationSwitcher } from "./OrganizationSwitcher";
import { UserMenu } from "./UserMenu";

const texts = defineTexts({
  en: {
    product: "Latchkey",
    skip: "Skip to the page",
    navigation: "Sections",
    projects: "Projects",
    organization: "Organization settings",
    account: "User settings",
    tokens: "Personal access tokens",
    notifications: "Notifications",
    sessions: "Sessions",
    password: "Password",
    profile: "Profile",
    overview: "Overview",
    members: "Members",
  },
});

const useStyles = makeStyles({
  header: {
    display: "flex", alignItems: "center", gap: "8px", minHeight: "48px", padding: "0 16px", flexWrap: "wrap",
    backgroundColor: tokens.colorNeutralBackground1, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  product: {
    fontWeight: tokens.fontWeightSemibold, color: tokens.colorBrandForeground1, textDecoration: "none",
    display: "flex", gap: "6px", alignItems: "center",
  },
  space: { flexGrow: 1 },
  skip: { position: "absolute", left: "-1000px", ":focus": { left: "8px", top: "8px", zIndex: 10 } },
  body: { display: "flex", "@media (max-width: 800px)": { display: "block" } },
  navigation: {
    width: "220px", flexShrink: 0, padding: "16px 8px", boxSizing: "border-box",
    "@media (max-width: 800px)": {
      width: "auto", padding: "4px 8px", display: "flex", flexWrap: "wrap", gap: "2px",
      borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    },
  },
  section: { "@media (max-width: 800px)": { display: "contents" } },
  group: {
    fontSize: tokens.fontSizeBase200, color: tokens.colorNeutralForeground3, padding: "12px 12px 4px", margin: 0,
    fontWeight: tokens.fontWeightSemibold, "@media (max-width: 800px)": { display: "none" },
  },
  item: {
    display: "block", padding: "6px 12px", borderRadius: tokens.borderRadiusMedium, textDecoration: "none",
    color: tokens.colorNeutralForeground1, ":hover": { backgroundColor: tokens.colorNeutralBackground3 },
    "@media (max-width: 800px)": { padding: "4px 8px" },
  },
  current: {
    backgroundColor: tokens.colorNeutralBackground1Selected, color: tokens.colorNeutralForeground1Selected,
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Selected },
    fontWeight: tokens.fontWeightSemibold,
    boxShadow: `inset 2px 0 ${tokens.colorBrandStroke1}`,
  },
  main: {
    flexGrow: 1, minWidth: 0, padding: "24px", boxSizing: "border-box", outlineStyle: "none",
    "@media (max-width: 800px)": { padding: "12px" },
  },
});

interface Item { name: string; path: string; isCurrent: boolean }

function itemsOf(place: Place, organization: string): { title: string; items: Item[] }[] {
  const base = `/${encodeURIComponent(organization)}`;
  const user = (page: string, name: string): Item => ({
    name, path: `${base}/_usersSettings/${page}`,
    isCurrent: (place.area === "tokens" || place.area === "userSettings") && place.page === page,
  });
  const settings = (page: string, name: string): Item => ({
    name, path: `${base}/_settings/${page}`,
    isCurrent: place.area === "organizationSettings" && place.page === page,
  });
  return [
    { title: organization, items: [
      { name: texts.projects, path: `${base}/_projects`, isCurrent: place.area === "projects" },
      settings("overview", texts.overview), settings("members", texts.members)] },
    { title: texts.account, items: [
      user("tokens", texts.tokens), user("notifications", texts.notifications), user("sessions", texts.sessions),
      user("password", texts.password), user("profile", texts.profile)] },
  ];
}

export function Frame({ place, children }: { place: Place; children: ReactNode }): ReactNode {
  const styles = useStyles();
  const { me } = useMe();
  const organization = place.organization || me.organizations[0]?.name || "";
  const groups = organization === "" ? [] : itemsOf(place, organization);
  const current = groups.flatMap((group) => group.items).find((item) => item.isCurrent)?.name;
  useEffect(() => {
    document.title = current ? `${current} · ${organization} · ${texts.product}` : texts.product;
  }, [current, organization]);
  return (
    <>
      <Button className={styles.skip} onClick={() => document.getElementById("content")?.focus()}>{texts.skip}</Button>
      <header className={styles.header}>
        <Link to="/" className={styles.product}><Icon name="key" />{texts.product}</Link>
        <OrganizationSwitcher current={place.organization} />
        <span className={styles.space} />
        <UserMenu organization={organization} />
      </header>
      <div className={styles.body}>
        {groups.length > 0 && place.area !== "home" && (
          <nav aria-label={texts.navigation} className={styles.navigation}>
            {groups.map((group) => (
              <div key={group.title} role="group" aria-label={group.title} className={styles.section}>
                <p className={styles.group}>{group.title}</p>
                {group.items.map((item) => (
                  <Link key={item.path} to={item.path} aria-current={item.isCurrent ? "page" : undefined}
                    className={mergeClasses(styles.item, item.isCurrent && styles.current)}>{item.name}</Link>))}
              </div>))}
          </nav>)}
        <main id="content" tabIndex={-1} className={styles.main}>{children}</main>
      </div>
    </>
  );
}
