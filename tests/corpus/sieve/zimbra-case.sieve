require ["fileinto"];
# Upper and lower
if anyof (header :contains ["subject"] "a") { fileinto "inbox/Later"; }
if anyof (header :contains ["subject"] "b") { fileinto "INBOX/Later"; }
if anyof (header :contains ["subject"] "c") { fileinto "Inbox/Other"; }
