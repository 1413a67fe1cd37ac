# Blacklisted Addresses
require ["fileinto", "imap4flags"];
if address :all :comparator "i;ascii-casemap" :is ["From", "Sender", "Resent-From"] ["spam@example.com", "more@example.com"]  {
    fileinto "Trash";
    discard;
    stop;
}
