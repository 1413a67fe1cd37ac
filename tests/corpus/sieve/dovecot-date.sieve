require ["date", "relational", "fileinto", "index"];
if allof (currentdate :value "ge" "date" "2026-01-01",
          date :zone "+0100" :is "received" "weekday" ["0", "6"],
          header :index 1 :last :contains "received" "example") {
  fileinto "Weekend/2026";
}
