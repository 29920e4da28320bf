// Which organization the page is about, and the way to another.

import {
  Menu, MenuButton, MenuDivider, MenuItem, MenuList, MenuPopover, MenuTrigger,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { useMe } from "../hooks/resources";
import { Icon } from "./icons";

const texts = defineTexts({
  en: {
    choose: "Choose an organization",
    label: (name: string) => `Organization: ${name}`,
    all: "All organizations",
  },
});

export function OrganizationSwitcher({ current }: { current: string }): ReactNode {
  const { me } = useMe();
  const go = (name: string): void => {
    const here = location.pathname.split("/").slice(2).join("/");
    navigate(`/${encodeURIComponent(name)}/${current !== "" && here !== "" ? here : "_usersSettings/tokens"}`);
  };
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <MenuButton appearance="subtle" icon={<Icon name="organization" />} menuIcon={<Icon name="down" />}
          aria-label={current === "" ? texts.choose : texts.label(current)}>
          {current || texts.choose}
        </MenuButton>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {me.organizations.map((organization) => (
            <MenuItem key={organization.id} onClick={() => go(organization.name)}>{organization.name}</MenuItem>))}
          <MenuDivider />
          <MenuItem onClick={() => navigate("/")}>{texts.all}</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
