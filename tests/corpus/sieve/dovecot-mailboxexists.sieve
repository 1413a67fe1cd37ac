require ["fileinto", "mailbox"];
if mailboxexists ["Work", "Work/Sub", "Workshop"] {
  fileinto "Work/Sub";
} elsif not mailboxexists "Work" {
  fileinto :create "Work";
}
