// The person's menu: settings, theme, sign out.

import {
  Button, Menu, MenuDivider, MenuGroup, MenuGroupHeader, MenuItem, MenuItemRadio, MenuList, MenuPopover,
  MenuTrigger,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { signOut } from "../api/people";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { useMe } from "../hooks/resources";
import { Icon } from "./icons";
import { themeChoices, useTheme } from "./theme";

const texts = defineTexts({
  en: {
    label: "User settings",
    tokens: "Personal access tokens",
    notifications: "Notifications",
    sessions: "Sessions",
    password: "Password",
    theme: "Theme",
    themes: { system: "As the system", light: "Light", dark: "Dark", contrast: "High contrast" },
    signOut: "Sign out",
  },
});

export function UserMenu({ organization }: { organization: string }): ReactNode {
  const { me, signedOut } = useMe();
  const { choice, choose } = useTheme();
  const base = `/${encodeURIComponent(organization)}/_usersSettings`;
  const leave = (): void => {
    signOut().then(signedOut, signedOut);
  };
  return (
    <Menu checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_, data) => {
        const next = themeChoices.find((value) => data.checkedItems.includes(value));
        if (next) choose(next);
      }}>
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="subtle" icon={<Icon name="person" />} aria-label={texts.label} />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>{me.displayName} · {me.email}</MenuGroupHeader>
            {organization !== "" && <>
              <MenuItem onClick={() => navigate(`${base}/tokens`)}>{texts.tokens}</MenuItem>
              <MenuItem onClick={() => navigate(`${base}/notifications`)}>{texts.notifications}</MenuItem>
              <MenuItem onClick={() => navigate(`${base}/sessions`)}>{texts.sessions}</MenuItem>
              <MenuItem onClick={() => navigate(`${base}/password`)}>{texts.password}</MenuItem></>}
          </MenuGroup>
          <MenuDivider />
          <MenuGroup>
            <MenuGroupHeader>{texts.theme}</MenuGroupHeader>
            {themeChoices.map((value) => (
              <MenuItemRadio key={value} name="theme" value={value}>{texts.themes[value]}</MenuItemRadio>))}
          </MenuGroup>
          <MenuDivider />
          <MenuItem onClick={leave}>{texts.signOut}</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
