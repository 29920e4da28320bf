import { Button, Field, Input, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { ApiError, wrongPassword } from "../api/client";
import { changePassword } from "../api/people";
import { defineTexts } from "../base/texts";
import { PageHead, Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";
import { useMe } from "../hooks/resources";

const texts = defineTexts({
  en: {
    title: "Password",
    about: "Changing it ends your other sessions. Tokens stay as they are.",
    old: "Present password",
    fresh: "New password",
    hint: "At least 12 characters. Any characters; a few random words make a good one.",
    change: "Change password",
    done: "The password is changed. Your other sessions have ended.",
  },
});

export function PasswordPage(): ReactNode {
  const table = useSimpleTable();
  const { me } = useMe();
  const [values, setValues] = useState({ old: "", fresh: "" });
  const [isDone, setDone] = useState(false);
  const { isRunning, error, run } = useAction();
  // The server names the new password's field "password"; a wrong old one has an error of its own.
  const isOld = error instanceof ApiError && error.typeKey === wrongPassword;
  const isNew = error instanceof ApiError && error.field.toLowerCase().includes("password");
  const message = error instanceof ApiError ? error.message : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setDone(false);
    void run(async () => {
      await changePassword(values.old, values.fresh);
      setValues({ old: "", fresh: "" });
      setDone(true);
    });
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <form className={table.form} onSubmit={submit} noValidate>
        {!isOld && !isNew && <Problem error={error} />}
        {isDone && <MessageBar intent="success" layout="multiline"><MessageBarBody>{texts.done}</MessageBarBody></MessageBar>}
        <input type="text" autoComplete="username" value={me.email} readOnly hidden />
        <Field label={texts.old} validationMessage={isOld ? message : undefined}>
          <Input type="password" autoComplete="current-password" value={values.old}
            onChange={(_, data) => setValues({ ...values, old: data.value })} />
        </Field>
        <Field label={texts.fresh} hint={texts.hint} validationMessage={isNew ? message : undefined}>
          <Input type="password" autoComplete="new-password" value={values.fresh}
            onChange={(_, data) => setValues({ ...values, fresh: data.value })} />
        </Field>
        <Button className={table.submit} appearance="primary" type="submit" disabled={isRunning}>{texts.change}</Button>
      </form>
    </>
  );
}
