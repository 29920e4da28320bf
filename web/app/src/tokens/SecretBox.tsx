// Shows text that holds a secret. It goes into the page by hand, so that it is in no property or
// state of React; when the box goes away the text is taken out of the page.

import { makeStyles, tokens as theme } from "@fluentui/react-components";
import { useLayoutEffect, useRef, type ReactNode } from "react";

const useStyles = makeStyles({
  box: {
    margin: 0, padding: "8px 10px", fontFamily: theme.fontFamilyMonospace, fontSize: theme.fontSizeBase200,
    lineHeight: theme.lineHeightBase300, border: `1px solid ${theme.colorNeutralStroke1}`, flexGrow: 1, minWidth: 0,
    borderRadius: theme.borderRadiusMedium, backgroundColor: theme.colorNeutralBackground2, overflowX: "auto",
    color: theme.colorNeutralForeground1, boxSizing: "border-box", width: "100%",
  },
});

interface InputProps {
  read: () => string;
  label: string;
  onCopy: () => void;
}

export function SecretInput({ read, label, onCopy }: InputProps): ReactNode {
  const styles = useStyles();
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const element = input.current;
    if (!element) return undefined;
    element.value = read();
    return () => { element.value = ""; };
  });
  return (
    <input ref={input} readOnly onCopy={onCopy} className={styles.box} aria-label={label} autoComplete="off" spellCheck={false}
      onFocus={(event) => event.currentTarget.select()} />
  );
}

export function SecretCode({ read, label }: { read: () => string; label: string }): ReactNode {
  const styles = useStyles();
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    element.textContent = read();
    return () => { element.textContent = ""; };
  });
  return <pre ref={box} className={styles.box} tabIndex={0} role="region" aria-label={label} />;
}

// Puts text on the clipboard, also where the browser has no clipboard for pages (plain http).
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.position = "fixed";
    area.style.opacity = "0";
    const dialog = document.querySelector('[role="dialog"],[role="alertdialog"]') ?? document.body;
    dialog.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.value = "";
    area.remove();
    return copied;
  }
}
