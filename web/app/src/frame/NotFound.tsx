import type { ReactNode } from "react";
import { defineTexts } from "../base/texts";
import { PageHead } from "./parts";

const texts = defineTexts({
  en: { title: "There is no such page", about: "Choose another in the navigation." },
});

export const NotFound = (): ReactNode => <PageHead title={texts.title} about={texts.about} />;
