require ["fileinto", "regex", "variables"];
if header :regex "subject" "^\\[([a-z]+)\\]" {
  fileinto "Tickets/${1}";
  stop;
}
if header :regex "x-work" "(Work|\"Work\")" { fileinto "Work"; }
