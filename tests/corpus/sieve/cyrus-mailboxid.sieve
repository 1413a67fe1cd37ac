require ["fileinto", "mailboxid", "mailbox"];
if header :contains "subject" "moved" {
    fileinto :mailboxid "F6352ae03-b7f5-463c-896f-d8b48ee3" :create "INBOX.Moved";
}
if mailboxidexists "F6352ae03-b7f5-463c-896f-d8b48ee3" { keep; }
