require "fileinto";
fileinto "Last"; # no line break follows