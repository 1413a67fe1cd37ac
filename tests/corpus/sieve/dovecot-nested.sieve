require ["fileinto", "envelope", "subaddress", "relational", "comparator-i;ascii-numeric"];
if allof (
  anyof (
    address :domain :is "from" ["example.com", "example.org"],
    not anyof (exists "X-List", not header :is "x" "y")
  ),
  not allof (size :over 1M, header :value "gt" :comparator "i;ascii-numeric" "X-Score" "5")
) {
  if envelope :detail "to" "work" {
    fileinto "Work/Detail";
  } elsif true {
    if not false { fileinto "Work/Deep/Deeper"; }
  } else {
    fileinto "Work";
  }
}
