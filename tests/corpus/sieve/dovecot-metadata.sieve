require ["fileinto", "mboxmetadata", "servermetadata"];
if metadata :is "Work" "/private/comment" "Work" {
  fileinto "Work";
}
if allof (metadataexists "Work/Sub" ["/private/comment", "/shared/comment"],
          servermetadata :contains "/private/comment" "Work") {
  fileinto "Work/Sub";
}
