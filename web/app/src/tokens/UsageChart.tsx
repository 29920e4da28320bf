// Ninety days of a token as bars, drawn here; the same numbers as a table for who does not see bars.

import { makeStyles, mergeClasses, tokens as theme } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { getTokenUsage, type UsageDay } from "../api/tokens";
import { formatDayUtc } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Loading, Problem } from "../frame/parts";
import { useResource } from "../hooks/resource";
import { useTableStyles } from "./TokenTable";
import { daysShown, fillDays, sumsOf, type UsageSums } from "./usage";

const number = new Intl.NumberFormat(navigator.language);
const times = (count: number): string => count === 1 ? "once" : `${number.format(count)} times`;

const texts = defineTexts({
  en: {
    title: "Used in the last 90 days",
    none: "It was not used in the last 90 days.",
    summary: (sums: UsageSums) => `In the last 90 days it was let through ${times(sums.allowed)} and refused ` +
      `${times(sums.refused)}, on ${sums.days === 1 ? "1 day" : `${sums.days} days`}.`,
    most: (count: number) => `${number.format(count)} a day at most`,
    allowed: "Let through",
    refused: "Refused",
    day: "Day (UTC)",
    caption: "Days on which the token was used",
  },
});

const width = 540;
const height = 96;
const step = width / daysShown;
const gap = 1.5;

const useStyles = makeStyles({
  figure: { margin: 0 },
  chart: { display: "block", width: "100%", height: "auto" },
  allowed: { fill: theme.colorBrandBackground },
  refused: { fill: theme.colorStatusDangerForeground1 },
  axis: { stroke: theme.colorNeutralStroke1, strokeWidth: 1 },
  ends: {
    display: "flex", justifyContent: "space-between", color: theme.colorNeutralForeground3,
    fontSize: theme.fontSizeBase200,
  },
  legend: { display: "flex", gap: "16px", flexWrap: "wrap", margin: "8px 0 0", fontSize: theme.fontSizeBase200 },
  mark: { display: "inline-block", width: "10px", height: "10px", borderRadius: "2px", marginRight: "6px" },
  allowedMark: { backgroundColor: theme.colorBrandBackground },
  refusedMark: { backgroundColor: theme.colorStatusDangerForeground1 },
  text: { margin: "0 0 8px" },
});

// A day that had a use has a bar that can be seen.
const heightOf = (count: number, most: number): number => count === 0 ? 0 : Math.max(2, (count / most) * height);

function Bars({ days, most }: { days: UsageDay[]; most: number }): ReactNode {
  const styles = useStyles();
  return days.map(({ day, allowed, refused }, index) => {
    const low = heightOf(allowed, most);
    const high = heightOf(refused, most);
    const x = index * step + gap / 2;
    return (
      <g key={day}>
        {allowed > 0 && <rect className={styles.allowed} x={x} y={height - low} width={step - gap} height={low} />}
        {refused > 0 && (
          <rect className={styles.refused} x={x} y={Math.max(0, height - low - high)} width={step - gap} height={high} />)}
      </g>);
  });
}

function Numbers({ days }: { days: UsageDay[] }): ReactNode {
  const table = useTableStyles();
  return (
    <div className={table.hidden}>
      <table>
        <caption>{texts.caption}</caption>
        <thead><tr>
          <th scope="col">{texts.day}</th><th scope="col">{texts.allowed}</th><th scope="col">{texts.refused}</th>
        </tr></thead>
        <tbody>
          {days.filter((entry) => entry.allowed + entry.refused > 0).map((entry) => (
            <tr key={entry.day}>
              <th scope="row">{formatDayUtc(entry.day)}</th><td>{entry.allowed}</td><td>{entry.refused}</td>
            </tr>))}
        </tbody>
      </table>
    </div>
  );
}

export function UsageChart({ organization, id }: { organization: string; id: string }): ReactNode {
  const styles = useStyles();
  const usage = useResource(`${organization} ${id}`, (signal) => getTokenUsage(organization, id, signal));
  if (usage.error) return <Problem error={usage.error} onRetry={usage.reload} />;
  if (usage.data === undefined) return <Loading />;
  const days = fillDays(usage.data, Date.now());
  const sums = sumsOf(days);
  if (sums.days === 0) return <p className={styles.text}>{texts.none}</p>;
  return (
    <figure className={styles.figure} aria-label={texts.title}>
      <p className={styles.text}>{texts.summary(sums)}</p>
      <svg role="img" aria-label={texts.summary(sums)} viewBox={`0 0 ${width} ${height + 1}`} className={styles.chart}>
        <Bars days={days} most={sums.most} />
        <line className={styles.axis} x1={0} x2={width} y1={height + 0.5} y2={height + 0.5} />
      </svg>
      <div className={styles.ends} aria-hidden="true">
        <span>{formatDayUtc(days[0]?.day ?? "")}</span>
        <span>{texts.most(sums.most)}</span>
        <span>{formatDayUtc(days.at(-1)?.day ?? "")}</span>
      </div>
      <p className={styles.legend} aria-hidden="true">
        <span><span className={mergeClasses(styles.mark, styles.allowedMark)} />{texts.allowed}</span>
        <span><span className={mergeClasses(styles.mark, styles.refusedMark)} />{texts.refused}</span>
      </p>
      <Numbers days={days} />
    </figure>
  );
}
