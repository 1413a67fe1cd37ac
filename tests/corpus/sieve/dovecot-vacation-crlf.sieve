require ["fileinto", "vacation", "vacation-seconds"];
vacation :days 7 :subject "Out \"Work\"" :addresses ["a@example.com", "b@example.com"] text:
I am away. The word fileinto "Work"; means nothing here.
..leading dot
...
.hidden
.
;
fileinto "Work";
