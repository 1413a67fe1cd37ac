require ["fileinto", "copy", "tag"];
# Kopie
if anyof (header :contains ["to"] "chef@example.com") {
    fileinto :copy "Sent/Chef";
    tag "Chef";
}
