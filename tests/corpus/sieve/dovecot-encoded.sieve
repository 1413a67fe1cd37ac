require ["fileinto", "encoded-character"];
if header :contains "subject" "$${hex:24 24}" {
  fileinto "Money ${unicode:20AC}";
}
fileinto "Plain money";
