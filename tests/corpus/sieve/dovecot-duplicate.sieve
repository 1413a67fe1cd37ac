require ["duplicate", "fileinto", "variables", "editheader", "environment"];
if duplicate :header "X-Event-Id" :seconds 3600 {
  discard;
}
if environment :contains "domain" "example" {
  addheader "X-Work" "Work";
  deleteheader :contains "X-Old" "Work";
}
fileinto "Work";
