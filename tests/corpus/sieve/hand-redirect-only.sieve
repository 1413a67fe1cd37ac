redirect "work@example.com";
if header :contains "subject" "Work" { discard; } else { keep; }
