import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input, Radio,
  RadioGroup, Textarea,
} from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { ApiError } from "../api/client";
import { createProject, updateProject, type ProjectWish } from "../api/organizations";
import type { Project } from "../api/types";
import { defineTexts } from "../base/texts";
import { Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useAction } from "../hooks/action";

const texts = defineTexts({
  en: {
    create: "New project",
    edit: "Project settings",
    name: "Name",
    description: "Description",
    visibility: "Visibility",
    isPrivate: "Private: members of the organization",
    isPublic: "Public: everybody may read it",
    createIt: "Create",
    save: "Save",
    cancel: "Cancel",
  },
});

interface Props {
  organization: string;
  project: Project | null;  // null: a new one
  mayManage: boolean;       // else only the description can change
  onClose: () => void;
  onDone: () => void;
}

// Only what differs is sent: changing a description needs fewer rights than changing a name.
function changesOf(project: Project, wish: ProjectWish): Partial<ProjectWish> {
  return {
    ...(wish.name !== project.name && { name: wish.name }),
    ...(wish.description !== (project.description ?? "") && { description: wish.description }),
    ...(wish.visibility !== project.visibility && { visibility: wish.visibility }),
  };
}

export function ProjectDialog({ organization, project, mayManage, onClose, onDone }: Props): ReactNode {
  const table = useSimpleTable();
  const { isRunning, error, run } = useAction();
  const [wish, setWish] = useState<ProjectWish>({
    name: project?.name ?? "", description: project?.description ?? "", visibility: project?.visibility ?? "private",
  });
  const atName = error instanceof ApiError && error.field === "name" ? error.message : undefined;
  const save = async (): Promise<void> => {
    if (project === null) {
      await createProject(organization, wish);
    } else {
      const changes = changesOf(project, wish);
      if (Object.keys(changes).length > 0) await updateProject(organization, project.id, changes);
    }
    onDone();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(save);
  };
  return (
    <Dialog open onOpenChange={(_, data) => { if (!data.open && !isRunning) onClose(); }}>
      <DialogSurface>
        <form onSubmit={submit} noValidate>
          <DialogBody>
            <DialogTitle>{project ? texts.edit : texts.create}</DialogTitle>
            <DialogContent className={table.stack}>
              {atName === undefined && <Problem error={error} />}
              <Field label={texts.name} required validationMessage={atName}>
                <Input autoFocus={mayManage} readOnly={!mayManage} value={wish.name}
                  onChange={(_, data) => setWish({ ...wish, name: data.value })} />
              </Field>
              <Field label={texts.description}>
                <Textarea value={wish.description} rows={3}
                  onChange={(_, data) => setWish({ ...wish, description: data.value })} />
              </Field>
              <Field label={texts.visibility}>
                <RadioGroup value={wish.visibility} disabled={!mayManage}
                  onChange={(_, data) => setWish({ ...wish, visibility: data.value === "public" ? "public" : "private" })}>
                  <Radio value="private" label={texts.isPrivate} />
                  <Radio value="public" label={texts.isPublic} />
                </RadioGroup>
              </Field>
            </DialogContent>
            <DialogActions>
              <Button disabled={isRunning} onClick={onClose}>{texts.cancel}</Button>
              <Button appearance="primary" type="submit" disabled={isRunning}>
                {project ? texts.save : texts.createIt}</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
