require ["fileinto", "snooze"];
if header :contains "subject" "later" {
    snooze :mailbox "INBOX.Snoozed" :weekdays ["1", "2"] "08:00";
}
