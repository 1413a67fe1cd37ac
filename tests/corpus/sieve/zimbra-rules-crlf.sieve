require ["fileinto", "copy", "reject", "tag", "flag", "variables", "log", "enotify", "envelope", "body", "ereject", "relational", "comparator-i;ascii-numeric"];

# Invoices
if anyof (header :contains ["subject"] "invoice",
  header :contains ["from"] "billing@") {
    fileinto "Invoices/2026";
    stop;
}
# Work
if anyof (header :contains ["to"] "work@example.com") {
    fileinto "/Work";
    tag "Work";
    stop;
}
