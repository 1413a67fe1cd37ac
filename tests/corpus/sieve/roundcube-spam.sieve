require ["fileinto","regex","spamtest","relational","comparator-i;ascii-numeric"];
# rule:[Spam]
if allof (not header :regex "x-white" "^(yes|true)$", header :value "ge" :comparator "i;ascii-numeric" "X-Score" "5")
{
	fileinto "INBOX/Junk E-mail";
	stop;
}
