require ["fileinto", "relational", "comparator-i;ascii-numeric"];
if anyof (size :over 2G, size :under 1k, size :over 500M, size :over 0) { fileinto "Sizes"; }
if header :count "gt" :comparator "i;ascii-numeric" "received" "10" { fileinto "Far/Away"; }
