require "fileinto";
if header :is "a" "1" { fileinto "Work"; }
elsif header :is "a" "2" { fileinto "Workshop"; }
elsif header :is "a" "3" { fileinto "Work/Shop"; }
elsif header :is "a" "4" { fileinto "Work shop"; }
elsif header :is "a" "5" { fileinto "Home/Work"; }
else { fileinto "work"; }
