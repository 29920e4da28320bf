// The few icons of the pages, drawn here: a package of thousands would cost more than the page.

import { makeStyles, mergeClasses } from "@fluentui/react-components";
import type { ReactNode } from "react";

const paths = {
  add: "M8 2.5v11M2.5 8h11",
  edit: "M3 13l.8-3L11 2.8a1.2 1.2 0 0 1 1.7 0l.5.5a1.2 1.2 0 0 1 0 1.7L6 12.2 3 13Z",
  regenerate: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  revoke: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11ZM4.2 4.2l7.6 7.6",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  check: "M3 8.5 6.5 12 13 4.5",
  person: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM3 13.5c.4-2.300 2.400-3.500 5-3.500s4.600 1.200 5 3.500",
  more: "M3 7.600h.8v.8H3ZM7.600 7.600h.8v.8h-.8ZM12.200 7.600h.8v.8h-.8Z",
  key: "M10.500 9a3.500 3.500 0 1 0-3.300-2.300L2.500 11.400V13.500h2.500v-1.500h1.500v-1.500h1.300l.8-.8c.6.2 1.200.3 1.900.3ZM11 5.200h.01",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM10.300 10.300 13.500 13.500",
  warning: "M8 2.500 14 13H2L8 2.500ZM8 6.500v3M8 11.300h.01",
  organization: "M3 13.500v-11h6v11M9 6.500h4v7M2 13.500h12M5 5h2M5 7.500h2M5 10h2",
  chart: "M2.500 13.500h11M4.500 13v-4M8 13V5M11.500 13V2.500",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
} as const;

export type IconName = keyof typeof paths;

const useStyles = makeStyles({ icon: { width: "1em", height: "1em", fontSize: "16px", flexShrink: 0, display: "block" } });

export function Icon({ name, className }: { name: IconName; className?: string }): ReactNode {
  const styles = useStyles();
  return (
    <svg aria-hidden="true" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.3"
      strokeLinecap="round" strokeLinejoin="round" className={mergeClasses(styles.icon, className)}>
      <path d={paths[name]} />
    </svg>
  );
}
