// Asks for a name and does something with it; a refusal stands at the field.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input,
} from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { messageOf } from "../api/client";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";

const texts = defineTexts({ en: { name: "Name", cancel: "Cancel" } });

interface Props {
  title: string;
  action: string;
  about?: string;
  first?: string;
  work: (name: string) => Promise<void>;
  onClose: () => void;
}

export function NameDialog({ title, action, about, first = "", work, onClose }: Props): ReactNode {
  const [name, setName] = useState(first);
  const { isRunning, error, run } = useAction();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => {
      await work(name.trim());
      onClose();
    });
  };
  return (
    <Dialog open onOpenChange={(_, data) => { if (!data.open && !isRunning) onClose(); }}>
      <DialogSurface>
        <form onSubmit={submit} noValidate>
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent>
              <Field label={texts.name} hint={about} validationMessage={error === null ? undefined : messageOf(error)}>
                <Input autoFocus value={name} onChange={(_, data) => setName(data.value)} />
              </Field>
            </DialogContent>
            <DialogActions>
              <Button disabled={isRunning} onClick={onClose}>{texts.cancel}</Button>
              <Button appearance="primary" type="submit" disabled={isRunning}>{action}</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
