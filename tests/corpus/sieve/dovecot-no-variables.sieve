require "fileinto";
# not an extension that is required here: this is a folder's real name
if header :contains "subject" "cost" {
  fileinto "Cost ${total}";
}
