require ["fileinto", "include", "variables"];
include :personal :optional "Work";
include :optional :once "Work/Sub";
global "folder";
fileinto "Work";
return;
