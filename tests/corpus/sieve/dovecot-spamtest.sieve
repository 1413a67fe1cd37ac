require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric", "virustest"];
if spamtest :percent :value "ge" :comparator "i;ascii-numeric" "80" { fileinto "Junk/Sure"; stop; }
if virustest :value "eq" :comparator "i;ascii-numeric" "5" { discard; }
