require ["fileinto"];
# rule:[Disabled by the plugin]
if false # anyof (header :contains "subject" "off")
{
	fileinto "Off";
}
# rule:[On]
if true
{
	fileinto "On";
}
