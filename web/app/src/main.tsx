import { createDOMRenderer, RendererProvider } from "@fluentui/react-components";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { ThemeFrame } from "./frame/theme";

// The answer's nonce lets the style elements of Griffel pass its Content-Security-Policy.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
const renderer = createDOMRenderer(document, { styleElementAttributes: { nonce } });

const page = document.getElementById("page");
if (page) {
  createRoot(page).render(
    <StrictMode>
      <RendererProvider renderer={renderer} targetDocument={document}>
        <ThemeFrame><App /></ThemeFrame>
      </RendererProvider>
    </StrictMode>);
}
