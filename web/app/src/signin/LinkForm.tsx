// What a one-time link asks for, and what it does.

import { Button, Field, Input } from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { acceptInvitation, resetPassword, setUp } from "../api/people";
import type { LinkInfo } from "../api/types";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";
import { Problem } from "../frame/parts";
import { useCardStyles } from "./SignInPage";

type FieldName = "organization" | "email" | "displayName" | "password";

const texts = defineTexts({
  en: {
    titles: {
      setup: "Set up Latchkey", invitation: "Join an organization", passwordReset: "Choose a new password",
    },
    about: {
      setup: () => "Make the first person and the first organization. The link works once.",
      invitation: (info: LinkInfo) => `You, ${info.email}, are invited to ${info.organization}.` +
        (info.personExists ? " Confirm with the password that you already have here." : ""),
      passwordReset: (info: LinkInfo) => `For ${info.email}. All sessions end; tokens stay as they are.`,
    },
    fields: {
      organization: "Organization", email: "E-mail address", displayName: "Your name", password: "Password",
    },
    hints: {
      organization: "Letters, digits and hyphens; it becomes the first part of every address.",
      email: "You sign in with it.",
      displayName: "",
      password: "At least 12 characters. Any characters; a few random words make a good one.",
    },
    go: { setup: "Set up", invitation: "Join", passwordReset: "Set the password" },
  },
});

const types = { organization: "text", email: "email", displayName: "text", password: "password" } as const;

function fieldsOf(info: LinkInfo): FieldName[] {
  if (info.kind === "setup") return ["organization", "email", "displayName", "password"];
  if (info.kind === "invitation" && !info.personExists) return ["displayName", "password"];
  return ["password"];
}

function completionOf(name: FieldName, isKnown: boolean): string {
  if (name === "password") return isKnown ? "current-password" : "new-password";
  return { organization: "organization", email: "username", displayName: "name" }[name];
}

const goTo = (path: string): void => location.replace(path);

// Does what the link is for; gives the address to go on at.
async function redeem(code: string, info: LinkInfo, values: Record<FieldName, string>): Promise<string> {
  if (info.kind === "setup") {
    await setUp({ code, ...values });
    return `/${values.organization}/_usersSettings/tokens`;
  }
  if (info.kind === "invitation") {
    const { displayName, password } = values;
    await acceptInvitation({ code, password, ...(info.personExists ? {} : { displayName }) });
    return `/${info.organization}/_usersSettings/tokens`;
  }
  await resetPassword(code, values.password);
  return "/_latchkey/signin";
}

export function LinkForm({ code, info }: { code: string; info: LinkInfo }): ReactNode {
  const styles = useCardStyles();
  const { isRunning, error, run } = useAction();
  const [values, setValues] = useState({ organization: "", email: "", displayName: "", password: "" });
  const fields = fieldsOf(info);
  const isKnown = info.kind === "invitation" && info.personExists;
  const wrongName = error instanceof ApiError ? error.field.replace("newPassword", "password") : "";
  const wrong = fields.find((name) => name === wrongName);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => goTo(await redeem(code, info, values)));
  };

  return (
    <>
      <h1 className={styles.title}>{texts.titles[info.kind]}</h1>
      <p className={styles.hint}>{texts.about[info.kind](info)}</p>
      {wrong === undefined && <Problem error={error} />}
      <form className={styles.form} onSubmit={submit} noValidate>
        {fields.map((name, at) => (
          <Field key={name} label={texts.fields[name]}
            hint={isKnown ? undefined : texts.hints[name] || undefined}
            validationMessage={wrong === name && error instanceof ApiError ? error.message : undefined}>
            <Input autoFocus={at === 0} type={types[name]} autoComplete={completionOf(name, isKnown)}
              value={values[name]} onChange={(_, data) => setValues({ ...values, [name]: data.value })} />
          </Field>))}
        <Button appearance="primary" type="submit" disabled={isRunning}>{texts.go[info.kind]}</Button>
      </form>
    </>
  );
}
