require "fileinto";
if true {
  fileinto "Mixed";
}
