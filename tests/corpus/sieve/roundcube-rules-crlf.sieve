require ["copy","fileinto","imap4flags","vacation"];
# rule:[Work "quoted"]
if anyof (header :contains "subject" "work", header :contains "to" "work@")
{
	fileinto "Work";
	stop;
}
# rule:[fileinto "Work";]
if header :contains "subject" "shop"
{
	fileinto :copy "Workshop";
	addflag "\\Seen";
}
