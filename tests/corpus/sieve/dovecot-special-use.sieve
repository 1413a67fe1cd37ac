require ["fileinto", "special-use", "mailbox"];
if specialuse_exists "Archive/Old" "\\Archive" {
  fileinto :specialuse "\\Archive" "Archive/Old";
}
if specialuse_exists ["\\Junk", "\\Trash"] {
  fileinto :specialuse "\\Junk" :create "Spam";
}
