require ["fileinto", "mboxmetadata", "relational", "comparator-i;ascii-numeric"];
if metadata :comparator "i;ascii-numeric" :value "ge" "Scores" "/private/score" "5" {
  fileinto "Scores/High";
}
