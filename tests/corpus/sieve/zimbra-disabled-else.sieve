require ["fileinto"];
disabled_if header :is "subject" "b" {
    fileinto "Off/First";
} elsif header :is "subject" "c" {
    fileinto "Off/Second";
} else {
    fileinto "Off/Third";
}
if true {
    fileinto "On";
}
