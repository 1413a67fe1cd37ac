require ["fileinto", "reject", "tag", "flag"];
# Antwort
if anyof (header :contains ["subject"] "Anfrage") {
    reply text:
Guten Tag ${from},

fileinto "Anfragen" steht hier nur im Text.
..
.
;
    fileinto "Anfragen";
    stop;
}
