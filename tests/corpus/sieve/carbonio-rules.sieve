require ["fileinto", "copy", "reject", "tag", "flag", "variables", "log", "enotify", "envelope", "body", "ereject", "reject", "relational", "comparator-i;ascii-numeric"];

# Fatture elettroniche
if anyof (header :contains ["from"] "pec.fatturapa.it") {
    fileinto "Contabilità/Fatture";
    flag "read";
    stop;
}
