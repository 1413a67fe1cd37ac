require ["vacation", "fcc", "fileinto", "imap4flags", "mailbox", "enotify"];
vacation :days 3 :fcc "Sent/Vacation" :create :flags "\\Seen" "Gone until Monday";
notify :fcc "Sent/Notify" :message "You have mail" "mailto:phone@example.com";
fileinto "Sent/Filed";
