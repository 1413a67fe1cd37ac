require "fileinto";
fileinto "Work"
stop;
