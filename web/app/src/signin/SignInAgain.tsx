// The session is over; what was being done stays open behind this dialog and goes on after it.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input,
} from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { signIn } from "../api/people";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";
import { Problem } from "../frame/parts";

const texts = defineTexts({
  en: {
    title: "Your session has ended",
    about: (email: string) => `Sign in again as ${email}. What you were doing is kept and goes on.`,
    password: "Password",
    signIn: "Sign in",
    leave: "Leave",
  },
});

interface Props {
  email: string;
  onDone: (signedIn: boolean) => void;
  onLeave: () => void;
}

export function SignInAgain({ email, onDone, onLeave }: Props): ReactNode {
  const [password, setPassword] = useState("");
  const { isRunning, error, run } = useAction();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => {
      await signIn(email, password);
      onDone(true);
    });
  };
  return (
    <Dialog open modalType="alert">
      <DialogSurface>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{texts.title}</DialogTitle>
            <DialogContent>
              <p>{texts.about(email)}</p>
              <Problem error={error} />
              <Field label={texts.password}>
                <Input autoFocus type="password" autoComplete="current-password" required value={password}
                  onChange={(_, data) => setPassword(data.value)} />
              </Field>
            </DialogContent>
            <DialogActions>
              <Button disabled={isRunning} onClick={onLeave}>{texts.leave}</Button>
              <Button appearance="primary" type="submit" disabled={isRunning}>{texts.signIn}</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
