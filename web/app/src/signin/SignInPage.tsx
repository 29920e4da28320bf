import { Button, Field, Input, makeStyles, tokens } from "@fluentui/react-components";
import { useState, type FormEvent, type ReactNode } from "react";
import { signIn } from "../api/people";
import { navigate } from "../base/router";
import { defineTexts } from "../base/texts";
import { useAction } from "../hooks/action";
import { Icon } from "../frame/icons";
import { Problem } from "../frame/parts";

const texts = defineTexts({
  en: {
    title: "Sign in to Latchkey",
    email: "E-mail address",
    password: "Password",
    signIn: "Sign in",
    first: "Nobody can sign in yet? The server printed a one-time set-up link when it started; open that link.",
    forgotten: "Password forgotten? An operator of this server can make you a link for a new one.",
  },
});

export const useCardStyles = makeStyles({
  page: { minHeight: "100vh", display: "flex", justifyContent: "center", padding: "8vh 16px", boxSizing: "border-box" },
  card: {
    width: "100%", maxWidth: "420px", alignSelf: "flex-start", backgroundColor: tokens.colorNeutralBackground1,
    borderRadius: tokens.borderRadiusLarge, boxShadow: tokens.shadow8, padding: "32px", boxSizing: "border-box",
    display: "flex", flexDirection: "column", gap: "16px",
    "@media (max-width: 480px)": { padding: "20px" },
  },
  title: { margin: 0, fontSize: tokens.fontSizeBase600, lineHeight: tokens.lineHeightBase600, fontWeight: 600 },
  brand: { color: tokens.colorBrandForeground1, fontSize: "32px" },
  form: { display: "flex", flexDirection: "column", gap: "12px" },
  hint: { margin: 0, color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

export function SignInPage({ onSignedIn }: { onSignedIn: () => void }): ReactNode {
  const styles = useCardStyles();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { isRunning, error, run } = useAction();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run(async () => {
      await signIn(email, password);
      if (location.pathname === "/_latchkey/signin") navigate("/", true);
      onSignedIn();
    });
  };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Icon name="key" className={styles.brand} />
        <h1 className={styles.title}>{texts.title}</h1>
        <Problem error={error} />
        <form className={styles.form} onSubmit={submit}>
          <Field label={texts.email}>
            <Input autoFocus type="email" autoComplete="username" required value={email}
              onChange={(_, data) => setEmail(data.value)} />
          </Field>
          <Field label={texts.password}>
            <Input type="password" autoComplete="current-password" required value={password}
              onChange={(_, data) => setPassword(data.value)} />
          </Field>
          <Button appearance="primary" type="submit" disabled={isRunning}>{texts.signIn}</Button>
        </form>
        <p className={styles.hint}>{texts.first}</p>
        <p className={styles.hint}>{texts.forgotten}</p>
      </div>
    </main>
  );
}
