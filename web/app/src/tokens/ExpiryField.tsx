import { Field, Input, Select, makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Token } from "../api/types";
import { formatDayUtc, formatInstantUtc } from "../base/dates";
import { defineTexts } from "../base/texts";
import { dayOf, latestDay, validTo } from "./expiry";
import type { FormExpiry } from "./form";

const texts = defineTexts({
  en: {
    label: "Expiration (UTC)",
    days: (count: string, day: string) => `${count} days (${day})`,
    keep: (day: string) => `As it is (${day})`,
    custom: "Custom defined",
    day: "Last day",
    ends: (time: string) => `Ends ${time}.`,
  },
});

const useStyles = makeStyles({
  row: { display: "flex", flexWrap: "wrap", gap: "12px", alignItems: "flex-start" },
  choice: { minWidth: "240px", flexGrow: 1 },
  day: { minWidth: "170px" },
});

const choices = ["30", "60", "90"] as const;
const all: FormExpiry[] = ["keep", ...choices, "custom"];

interface Props {
  expiry: FormExpiry;
  day: string;
  kept: Token | null;   // whose expiry may stay
  message: string | undefined;
  onChange: (part: { expiry?: FormExpiry; day?: string }) => void;
}

export function ExpiryField({ expiry, day, kept, message, onChange }: Props): ReactNode {
  const styles = useStyles();
  const now = new Date();
  const end = expiry === "keep" ? new Date(kept?.validTo ?? now) : validTo(expiry, day, now);
  const isCustom = expiry === "custom";
  return (
    <div className={styles.row}>
      <Field className={styles.choice} label={texts.label} validationMessage={isCustom ? undefined : message}
        hint={end ? texts.ends(formatInstantUtc(end.toISOString())) : undefined}>
        <Select value={expiry} onChange={(_, data) => {
          const next = all.find((value) => value === data.value);
          if (next) onChange({ expiry: next });
        }}>
          {kept && <option value="keep">{texts.keep(formatDayUtc(kept.validTo))}</option>}
          {choices.map((count) => (
            <option key={count} value={count}>
              {texts.days(count, formatDayUtc((validTo(count, "", now) ?? now).toISOString()))}</option>))}
          <option value="custom">{texts.custom}</option>
        </Select>
      </Field>
      {isCustom && (
        <Field className={styles.day} label={texts.day} validationMessage={message}>
          <Input type="date" value={day} min={dayOf(now)} max={latestDay(now)}
            onChange={(_, data) => onChange({ day: data.value })} />
        </Field>)}
    </div>
  );
}
