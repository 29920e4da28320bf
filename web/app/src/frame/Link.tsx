// A link within the pages: a plain <a>, followed without loading on a plain click.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from "react";
import { navigate } from "../base/router";

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
}

const useStyles = makeStyles({ link: { color: tokens.colorBrandForegroundLink } });

export function Link({ to, onClick, className, ...rest }: Props): ReactNode {
  const styles = useStyles();
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={follow} className={mergeClasses(styles.link, className)} {...rest} />;
}
