require "fileinto";
if header :is "a" "1" { fileinto "Twin"; } if header :is "a" "2" { fileinto "Twin"; }
if header :is "a" "3" { fileinto "Twin/Child"; fileinto "Twin"; }
