require ["fileinto"];
if header :contains ["subject", "x-work", "Work"] ["a", "b", "fileinto \"Work\";"] {
  fileinto "Work";
}
