// The mails that the server wrote to the person, readable also where no mail server is set up.

import {
  Accordion, AccordionHeader, AccordionItem, AccordionPanel, Badge, makeStyles, tokens,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Mail } from "../api/types";
import { formatInstant } from "../base/dates";
import { defineTexts } from "../base/texts";
import { Loading, PageHead, Problem } from "../frame/parts";
import { useMails } from "../hooks/resources";

const texts = defineTexts({
  en: {
    title: "Notifications",
    about: "The newest 100 mails to you. They can be read here also when no mail server is set up.",
    none: "There are no mails yet. You get one whenever a token of yours is added or gets a new text.",
    sent: "Sent",
    waiting: "Not sent by mail",
    failed: (count: number, error: string) => `${count} tries failed: ${error}`,
  },
});

const useStyles = makeStyles({
  list: { backgroundColor: tokens.colorNeutralBackground1, borderRadius: tokens.borderRadiusMedium },
  body: {
    whiteSpace: "pre-wrap", overflowWrap: "anywhere", fontFamily: tokens.fontFamilyMonospace, margin: 0,
    fontSize: tokens.fontSizeBase200, paddingBottom: "12px",
  },
  head: { display: "flex", flexWrap: "wrap", gap: "2px 12px", alignItems: "center", padding: "8px 0" },
  subject: { fontWeight: tokens.fontWeightSemibold, overflowWrap: "anywhere" },
  when: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

function MailItem({ mail }: { mail: Mail }): ReactNode {
  const styles = useStyles();
  return (
    <AccordionItem value={mail.id}>
      <AccordionHeader>
        <span className={styles.head}>
          <span className={styles.subject}>{mail.subject}</span>
          <span className={styles.when}>{formatInstant(mail.createdAt)}</span>
          <Badge appearance="tint" color={mail.sentAt ? "success" : "informative"}>
            {mail.sentAt ? texts.sent : texts.waiting}</Badge>
        </span>
      </AccordionHeader>
      <AccordionPanel>
        {mail.lastError !== "" && <p>{texts.failed(mail.attempts, mail.lastError)}</p>}
        <pre className={styles.body}>{mail.body}</pre>
      </AccordionPanel>
    </AccordionItem>
  );
}

export function OutboxPage(): ReactNode {
  const styles = useStyles();
  const mails = useMails();
  return (
    <>
      <PageHead title={texts.title} about={texts.about} />
      <Problem error={mails.error} onRetry={mails.reload} />
      {mails.data === undefined && mails.isLoading && <Loading />}
      {mails.data?.length === 0 && <p>{texts.none}</p>}
      <Accordion collapsible multiple className={styles.list}>
        {mails.data?.map((mail) => <MailItem key={mail.id} mail={mail} />)}
      </Accordion>
    </>
  );
}
