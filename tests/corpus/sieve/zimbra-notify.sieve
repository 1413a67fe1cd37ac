require ["fileinto", "enotify", "log"];
# Tell my phone
if anyof (header :contains "subject" "alarm") {
    notify "phone@example.com" "Alarm" text:
From: ${from}
Subject: ${subject}
.
["from", "subject"] 4096;
    log :info "Filed to Alarm";
    fileinto "Alarm";
}
