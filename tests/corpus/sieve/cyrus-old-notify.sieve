require ["fileinto", "enotify", "comparator-i;ascii-casemap"];
if header :comparator "i;ascii-casemap" :matches "subject" ["*Work*", "?ork"] {
    notify :importance "1" :message "Work" "mailto:pager@example.com";
    fileinto "INBOX/Work";
}
