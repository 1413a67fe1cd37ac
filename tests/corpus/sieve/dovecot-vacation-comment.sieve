require ["vacation", "fileinto"];
vacation :mime text: # a comment where one may stand
Content-Type: text/plain

Gone.
.
;
fileinto "Gone";
