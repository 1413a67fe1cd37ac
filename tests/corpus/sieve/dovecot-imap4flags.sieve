require ["fileinto", "imap4flags", "copy"];
setflag "\\Seen";
addflag ["Work", "\\Flagged"];
fileinto :flags ["\\Seen", "Work"] "Work";
fileinto :copy :flags "Work" "Work/Copy";
keep :flags "\\Answered";
