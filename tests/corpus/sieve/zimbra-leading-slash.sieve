require ["fileinto", "flag"];
# Projekte
if anyof (address :all :contains :comparator "i;ascii-casemap" ["from"] "kunde@") {
    fileinto "/Projekte/Kunde";
    flag "priority";
    stop;
}
# Doubled slashes came out of an old migration
if anyof (header :contains ["subject"] "alt") {
    fileinto "//Projekte//Alt ";
}
