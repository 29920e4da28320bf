// What the link that opened the panel asks for and did not get.

import { MessageBar, MessageBarBody } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { defineTexts } from "../base/texts";
import type { Wanted } from "./prefill";

const texts = defineTexts({
  en: {
    unknown: (scopes: string) =>
      `The link that you followed asks for scopes that are not known here: ${scopes}. They are left out.`,
    full: "The link that you followed asks for full access. It is not chosen for you: choose scopes instead wherever you can.",
    more: (count: number) => ` and ${count} more`,
  },
});

const shownMax = 5;

function list(scopes: string[]): string {
  const rest = scopes.length - shownMax;
  return scopes.slice(0, shownMax).join(", ") + (rest > 0 ? texts.more(rest) : "");
}

export function LinkNotice({ wanted }: { wanted: Wanted }): ReactNode {
  if (wanted.unknown.length === 0 && !wanted.isFull) return null;
  return (
    <MessageBar intent="warning" layout="multiline" role="status">
      <MessageBarBody>
        {wanted.unknown.length > 0 && <p>{texts.unknown(list(wanted.unknown))}</p>}
        {wanted.isFull && <p>{texts.full}</p>}
      </MessageBarBody>
    </MessageBar>
  );
}
