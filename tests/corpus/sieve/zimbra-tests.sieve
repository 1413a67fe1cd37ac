require ["fileinto", "tag", "flag", "relational", "comparator-i;ascii-numeric"];
# Everything the rule editor offers
if allof (addressbook :in "from" "contacts",
    not me :in "to,cc",
    conversation :where "started",
    bulk,
    attachment,
    importance "high",
    current_day_of_week :is ["0","6"],
    current_time :after "0900",
    date :before "20260101",
    flagged "flagged",
    invite :method ["anyrequest"],
    mime_header :contains "Content-Type" "application/pdf",
    body :contains "Work") {
    fileinto "Weekend";
}
