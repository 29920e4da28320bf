// All operations that the finder knows: this server's, and those of Azure DevOps that come with it.

import { get } from "../api/client";
import { ownOperations, specOperations, type OpenApiDocument, type Operation } from "../tokens/finder";
import { useResource, type Resource } from "./resource";

async function loadOperations(signal: AbortSignal): Promise<Operation[]> {
  const [document, lines] = await Promise.all([
    get<OpenApiDocument>("/openapi.json", signal),
    import("../../../../spec/azure-devops/operations.jsonl?raw"),
  ]);
  return [...ownOperations(document), ...specOperations(lines.default)];
}

export const useOperations = (): Resource<Operation[]> => useResource("operations", loadOperations);
