require ["fileinto", "reject", "envelope"];

if header :contains "X-Spam-Status" "Yes" {
    fileinto "INBOX.Spam";
    stop;
}
if envelope :is "from" "owner-list@example.com" {
    fileinto "INBOX.Lists.Example";
}
