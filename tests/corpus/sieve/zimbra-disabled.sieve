require ["fileinto", "tag", "flag"];

# On
if allof (header :is ["subject"] "a") {
    fileinto "Work/On";
}
# Off
disabled_if allof (header :is ["subject"] "b") {
    fileinto "Work/Off";
    flag "flagged";
}
