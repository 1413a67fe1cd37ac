require ["fileinto", "tag"];
# C:\Users
if anyof (header :contains ["subject"] "C:\Users\new") {
    fileinto "Win\dows\\NT";
    tag "\T";
}
