require ["fileinto", "copy", "reject", "tag", "flag"];

# Team
if anyof (header :contains ["subject"] "[team]") {
    fileinto "Shared/Team";
    stop;
}
# Team sub
if anyof (header :contains ["subject"] "[team-archive]") {
    fileinto "Shared/Team/Archive";
    stop;
}
# Teamwork is not Team
if anyof (header :contains ["subject"] "[teamwork]") {
    fileinto "Shared/Teamwork";
    stop;
}
