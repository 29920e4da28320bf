// The address as state. A link within the pages is followed without loading; everything else is the
// browser's.

import { useSyncExternalStore } from "react";

const changed = new EventTarget();
let blocked: (() => boolean) | null = null;

export function navigate(path: string, replace = false): void {
  if (blocked && !blocked()) return;
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  changed.dispatchEvent(new Event("change"));
  window.scrollTo(0, 0);
}

// While `ask` is set, leaving the page asks it first.
export function setLeaveGuard(ask: (() => boolean) | null): void {
  blocked = ask;
}

function subscribe(listener: () => void): () => void {
  changed.addEventListener("change", listener);
  window.addEventListener("popstate", listener);
  return () => {
    changed.removeEventListener("change", listener);
    window.removeEventListener("popstate", listener);
  };
}

export interface Place {
  organization: string;
  area: "home" | "tokens" | "userSettings" | "organizationSettings" | "projects" | "link" | "signin";
  page: string;
}

export function parsePlace(path: string): Place {
  const segments = path.split("/").filter((part) => part !== "").map(decodeURIComponent);
  const [first = "", second = "", third = ""] = segments;
  if (first === "") return { organization: "", area: "home", page: "" };
  if (first === "_latchkey") {
    return { organization: "", area: second === "link" ? "link" : "signin", page: "" };
  }
  switch (second.toLowerCase()) {
    case "_userssettings":
      if (third === "" || third.toLowerCase() === "tokens") {
        return { organization: first, area: "tokens", page: "tokens" };
      }
      return { organization: first, area: "userSettings", page: third.toLowerCase() };
    case "_settings":
      return { organization: first, area: "organizationSettings", page: third.toLowerCase() || "overview" };
    case "_projects":
      return { organization: first, area: "projects", page: "" };
    default:
      return { organization: first, area: "projects", page: "" };
  }
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}
