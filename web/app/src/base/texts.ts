// The words of the pages. Each component keeps its own in one object, made by defineTexts; another
// language is another key beside `en`, which the compiler then checks for completeness.

export type Language = "en";

const known: readonly Language[] = ["en"];

function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = known.find((language) => tag.toLowerCase().startsWith(language));
    if (found) return found;
  }
  return "en";
}

export const language: Language = chooseLanguage(
  typeof navigator === "undefined" ? [] : navigator.languages,
);

export function defineTexts<T>(languages: { en: T } & Partial<Record<Language, T>>): T {
  return languages[language] ?? languages.en;
}
