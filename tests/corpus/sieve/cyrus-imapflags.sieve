require ["imapflags", "fileinto"];
if header :contains "subject" "urgent" {
    addflag "\\Flagged";
    mark;
    fileinto "INBOX.Urgent";
}
