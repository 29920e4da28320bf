// Light, dark or high contrast: as the system says, or as the person chose (kept in this browser).

import {
  FluentProvider, makeStyles, teamsHighContrastTheme, tokens, webDarkTheme, webLightTheme, type Theme,
} from "@fluentui/react-components";
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

export type ThemeChoice = "system" | "light" | "dark" | "contrast";
export const themeChoices: readonly ThemeChoice[] = ["system", "light", "dark", "contrast"];

const storageKey = "latchkey.theme";
const themes: Record<"light" | "dark" | "contrast", Theme> = {
  light: webLightTheme, dark: webDarkTheme, contrast: teamsHighContrastTheme,
};

interface ThemeState {
  choice: ThemeChoice;
  choose: (choice: ThemeChoice) => void;
}

const ThemeContext = createContext<ThemeState>({ choice: "system", choose: () => undefined });
export const useTheme = (): ThemeState => useContext(ThemeContext);

function storedChoice(): ThemeChoice {
  const text = localStorage.getItem(storageKey);
  return themeChoices.find((choice) => choice === text) ?? "system";
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const listen = (): void => setMatches(media.matches);
    media.addEventListener("change", listen);
    return () => media.removeEventListener("change", listen);
  }, [query]);
  return matches;
}

// Not on the provider itself: Fluent copies its classes to every portal, which then covers the page.
const useStyles = makeStyles({
  root: { minHeight: "100vh", backgroundColor: tokens.colorNeutralBackground2 },
});

export function ThemeFrame({ children }: { children: ReactNode }): ReactNode {
  const styles = useStyles();
  const [choice, setChoice] = useState(storedChoice);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const isContrast = useMedia("(prefers-contrast: more)");
  const system = isContrast ? "contrast" : isDark ? "dark" : "light";
  const shown = choice === "system" ? system : choice;

  useEffect(() => {
    document.documentElement.style.colorScheme = shown === "light" ? "light" : "dark";
    document.body.style.backgroundColor = themes[shown].colorNeutralBackground2;
  }, [shown]);

  const state = useMemo(() => ({
    choice,
    choose: (next: ThemeChoice) => {
      localStorage.setItem(storageKey, next);
      setChoice(next);
    },
  }), [choice]);

  return (
    <ThemeContext.Provider value={state}>
      <FluentProvider theme={themes[shown]}><div className={styles.root}>{children}</div></FluentProvider>
    </ThemeContext.Provider>
  );
}
