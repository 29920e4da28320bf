import type { ReactNode } from "react";
import { revokeToken } from "../api/tokens";
import type { Token } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Confirm } from "../frame/parts";

const texts = defineTexts({
  en: {
    title: "Confirmation",
    ask: (count: number) => count === 1 ? "Revoke this token?" : `Revoke these ${count} tokens?`,
    effect: "What uses it is refused from now on. This cannot be undone.",
    used: (when: string, address: string) => `last used ${when} from ${address}`,
    unused: "never used",
    revoke: "Revoke",
  },
});

interface Props {
  organization: string;
  tokens: Token[];
  onClose: () => void;
  onDone: () => void;
}

export default function RevokeDialog({ organization, tokens, onClose, onDone }: Props): ReactNode {
  // Revoking twice is no error, so a try that failed half-way is repeated as a whole.
  const revoke = async (): Promise<void> => {
    try {
      for (const token of tokens) await revokeToken(organization, token.authorizationId);
    } finally {
      onDone();
    }
  };
  return (
    <Confirm title={texts.title} action={texts.revoke} work={revoke} onClose={onClose}>
      <p><strong>{texts.ask(tokens.length)}</strong></p>
      <ul>
        {tokens.map((token) => (
          <li key={token.authorizationId}>
            <strong>{token.displayName}</strong>, {token.lastUsedOn ?
              texts.used(formatInstant(token.lastUsedOn), token.lastUsedFrom ?? "") : texts.unused}
          </li>))}
      </ul>
      <p>{texts.effect}</p>
    </Confirm>
  );
}
