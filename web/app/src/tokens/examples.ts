// Commands with a token in place, ready to paste.

export interface ExamplePlace {
  origin: string;        // https://tokens.example.com
  organization: string;
}

export type ExampleName = "curl" | "git" | "az" | "npm";
export const exampleNames: readonly ExampleName[] = ["curl", "git", "az", "npm"];

export function exampleOf(name: ExampleName, token: string, { origin, organization }: ExamplePlace): string {
  const base = `${origin}/${organization}`;
  const host = origin.replace(/^https?:/, "");
  switch (name) {
    case "curl":
      return `curl -u :${token} '${base}/_apis/projects?api-version=7.1'`;
    case "git":
      return `git -c http.extraHeader="Authorization: Basic ${btoa(`:${token}`)}" \\\n` +
        `  clone ${base}/PROJECT/_git/REPOSITORY`;
    case "az":
      return `export AZURE_DEVOPS_EXT_PAT=${token}\n` +
        `az devops project list --organization ${base}`;
    case "npm":
      return `# .npmrc\n${host}/${organization}/_packaging/FEED/npm/registry/:username=${organization}\n` +
        `${host}/${organization}/_packaging/FEED/npm/registry/:_password=${btoa(token)}\n` +
        `${host}/${organization}/_packaging/FEED/npm/registry/:email=npm@example.com`;
  }
}
