require ["fileinto", "mailbox"];
fileinto :create "Entwürfe/日本語";
if header :contains "subject" "ß" { fileinto :create "Straße"; }
if header :contains "subject" "📧" { fileinto :create "📧/Ελληνικά"; }
