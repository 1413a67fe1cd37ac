require ["ihave", "fileinto"];
if ihave ["variables", "imap4flags"] {
  fileinto "${x}Flagged";
} else {
  fileinto "Unflagged";
}
