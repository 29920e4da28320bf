// Drives azure-devops-node-api, unmodified, with nothing but a base URL and a token.
// Usage: BASE_URL=http://host/org TOKEN=... node node_client.mjs STEP [ARGUMENT...]
// Prints one JSON document: {"result": ...} or {"error": {statusCode, message}}.
import * as azdev from "azure-devops-node-api";

const url = process.env.BASE_URL;
const token = process.env.TOKEN;
const api = new azdev.WebApi(url, azdev.getPersonalAccessTokenHandler(token));

async function waitForOperation(reference) {
  for (let tries = 0; tries < 50; ++tries) {
    const answer = await api.rest.get(reference.url);
    if (["succeeded", "failed", "cancelled"].includes(answer.result.status)) return answer.result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the operation did not end");
}

const steps = {
  async connect() {
    return await api.connect();
  },
  // The other handlers that tools use: by the token's shape (Bearer for ours), and user and password.
  async byShape() {
    const other = new azdev.WebApi(url, azdev.getHandlerFromToken(token));
    return await other.connect();
  },
  async byBasic() {
    const other = new azdev.WebApi(url, azdev.getBasicHandler("anybody", token));
    return await other.connect();
  },
  async profile() {
    const profiles = await api.getProfileApi();
    return await profiles.getProfile("me");
  },
  async list(filter = "wellFormed") {
    const core = await api.getCoreApi();
    return await core.getProjects(filter, 10, 0);
  },
  async create(name) {
    const core = await api.getCoreApi();
    const reference = await core.queueCreateProject({
      name,
      description: "made by node",
      visibility: 0,
      capabilities: {
        versioncontrol: { sourceControlType: "git" },
        processTemplate: { templateTypeId: "b8a3a935-7e91-48b8-a94c-606d37c3e9f2" },
      },
    });
    const operation = await waitForOperation(reference);
    return { first: reference.status, operation, project: await core.getProject(name, true) };
  },
  async change(id, description) {
    const core = await api.getCoreApi();
    await waitForOperation(await core.updateProject({ description }, id));
    return await core.getProject(id);
  },
  async properties(id) {
    const core = await api.getCoreApi();
    await core.setProjectProperties(null, id, [
      { op: "add", path: "/a", value: "one" },
      { op: "add", path: "/b.c", value: "two" },
      { op: "add", path: "/d", value: "three" },
    ]);
    return await core.getProjectProperties(id, ["a", "b.*"]);
  },
  async teams(id) {
    const core = await api.getCoreApi();
    return await core.getTeams(id);
  },
  async remove(id) {
    const core = await api.getCoreApi();
    return await waitForOperation(await core.queueDeleteProject(id));
  },
  async show(idOrName) {
    const core = await api.getCoreApi();
    return await core.getProject(idOrName);
  },
};

try {
  const [step, ...rest] = process.argv.slice(2);
  const result = await steps[step](...rest);
  console.log(JSON.stringify({ result: result === undefined ? null : result }));
} catch (error) {
  console.log(JSON.stringify({ error: { statusCode: error.statusCode, message: error.message } }));
}
