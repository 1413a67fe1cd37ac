REQUIRE ["fileinto", "imap4flags"];
IF Header :CONTAINS "Subject" "x" { FileInto :FLAGS "\\Seen" "Shouting"; STOP; }
