require "fileinto";
fileinto text:
Strange
.
;
fileinto "Usual";
