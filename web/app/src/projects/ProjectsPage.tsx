// The projects of an organization: what a token opens in Latchkey's own API.

import { Badge, Button, mergeClasses } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { deleteProject, updateProject } from "../api/organizations";
import type { Project } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Icon } from "../frame/icons";
import { NameDialog } from "../frame/NameDialog";
import { Confirm, Loading, PageHead, Problem } from "../frame/parts";
import { useSimpleTable } from "../frame/table";
import { useMe, useProjects } from "../hooks/resources";
import { ProjectDialog } from "./ProjectDialog";

const texts = defineTexts({
  en: {
    title: "Projects",
    about: "Projects of this organization. Tokens with a Project and Team scope reach them over the API.",
    create: "New project",
    name: "Name",
    visibility: "Visibility",
    visibilities: { private: "Private", public: "Public" },
    changed: "Changed",
    actions: "Actions",
    edit: "Settings",
    remove: "Delete",
    removeTitle: (name: string) => `Delete ${name}?`,
    removeEffect: "It can be recovered within 28 days.",
    none: "There are no projects yet.",
    deleted: "Deleted projects",
    recover: "Recover",
    recoverTitle: (name: string) => `Recover ${name}`,
    recoverHint: "Give another name if this one is taken.",
  },
});

interface TableProps {
  projects: Project[];
  label: string;
  actions: (project: Project) => ReactNode;
}

function ProjectTable({ projects, label, actions }: TableProps): ReactNode {
  const table = useSimpleTable();
  return (
    <table className={table.table} aria-label={label}>
      <thead><tr>
        <th scope="col" className={table.head}>{texts.name}</th>
        <th scope="col" className={table.head}>{texts.visibility}</th>
        <th scope="col" className={mergeClasses(table.head, table.wide)}>{texts.changed}</th>
        <th scope="col" className={table.head}>{texts.actions}</th>
      </tr></thead>
      <tbody>
        {projects.map((project) => (
          <tr key={project.id}>
            <th scope="row" className={table.cell}>{project.name}
              <span className={table.second}>{project.description}</span></th>
            <td className={table.cell}>
              <Badge appearance="outline" color={project.visibility === "public" ? "warning" : "informative"}>
                {texts.visibilities[project.visibility]}</Badge></td>
            <td className={mergeClasses(table.cell, table.wide)}>{formatInstant(project.lastUpdateTime)}</td>
            <td className={table.cell}><span className={table.actions}>{actions(project)}</span></td>
          </tr>))}
      </tbody>
    </table>
  );
}

type Open = { kind: "create" } | { kind: "edit" | "remove" | "recover"; project: Project };

export default function ProjectsPage({ organization }: { organization: string }): ReactNode {
  const table = useSimpleTable();
  const { me } = useMe();
  const projects = useProjects(organization, "wellFormed");
  const deleted = useProjects(organization, "deleted");
  const [open, setOpen] = useState<Open | null>(null);
  const role = me.organizations.find((entry) => entry.name.toLowerCase() === organization.toLowerCase())?.role;
  const mayManage = role === "administrator" || role === "owner";
  const close = (): void => setOpen(null);
  const refresh = (): void => {
    projects.reload();
    deleted.reload();
  };
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      {mayManage && (
        <div className={table.bar}>
          <Button appearance="primary" icon={<Icon name="add" />} onClick={() => setOpen({ kind: "create" })}>
            {texts.create}</Button>
        </div>)}
      <Problem error={projects.error} onRetry={refresh} />
      {projects.data === undefined && projects.isLoading && <Loading />}
      {projects.data?.length === 0 && <p>{texts.none}</p>}
      {projects.data !== undefined && projects.data.length > 0 && (
        <ProjectTable projects={projects.data} label={texts.title} actions={(project) => <>
          {role !== "reader" && role !== undefined && (
            <Button size="small" onClick={() => setOpen({ kind: "edit", project })}>{texts.edit}</Button>)}
          {mayManage && (
            <Button size="small" onClick={() => setOpen({ kind: "remove", project })}>{texts.remove}</Button>)}</>} />)}
      {deleted.data !== undefined && deleted.data.length > 0 && <>
        <h2 className={table.section}>{texts.deleted}</h2>
        <ProjectTable projects={deleted.data} label={texts.deleted} actions={(project) => mayManage && (
          <Button size="small" onClick={() => setOpen({ kind: "recover", project })}>{texts.recover}</Button>)} /></>}
      {(open?.kind === "create" || open?.kind === "edit") && (
        <ProjectDialog organization={organization} project={open.kind === "edit" ? open.project : null}
          mayManage={mayManage} onClose={close} onDone={() => { close(); refresh(); }} />)}
      {open?.kind === "remove" && (
        <Confirm title={texts.removeTitle(open.project.name)} action={texts.remove} onClose={close}
          work={async () => { await deleteProject(organization, open.project.id); refresh(); }}>
          <p>{texts.removeEffect}</p>
        </Confirm>)}
      {open?.kind === "recover" && (
        <NameDialog title={texts.recoverTitle(open.project.name)} action={texts.recover} about={texts.recoverHint}
          first={open.project.name} onClose={close}
          work={async (name) => {
            const renamed = name === open.project.name ? {} : { name };
            await updateProject(organization, open.project.id, { state: "wellFormed", ...renamed });
            refresh();
          }} />)}
    </>
  );
}
