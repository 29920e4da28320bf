import { Button, Field, Input, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { messageOf } from "../api/client";
import { changeName } from "../api/people";
import { defineTexts } from "../base/texts";
import { PageHead } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";
import { useMe } from "../hooks/resources";

const texts = defineTexts({
  en: {
    title: "Profile",
    about: (email: string) => `You sign in as ${email}.`,
    name: "Your name",
    save: "Save",
    done: "Saved.",
  },
});

export function ProfilePage(): ReactNode {
  const table = useSimpleTable();
  const { me, reload } = useMe();
  const [name, setName] = useState(me.displayName);
  const [isDone, setDone] = useState(false);
  const { isRunning, error, run } = useAction();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setDone(false);
    void run(async () => {
      await changeName(name);
      setDone(true);
      reload();
    });
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about(me.email)} />
      <form className={table.form} onSubmit={submit} noValidate>
        {isDone && <MessageBar intent="success"><MessageBarBody>{texts.done}</MessageBarBody></MessageBar>}
        <Field label={texts.name} validationMessage={error === null ? undefined : messageOf(error)}>
          <Input autoComplete="name" value={name} onChange={(_, data) => setName(data.value)} />
        </Field>
        <Button className={table.submit} appearance="primary" type="submit" disabled={isRunning}>{texts.save}</Button>
      </form>
    </>
  );
}
