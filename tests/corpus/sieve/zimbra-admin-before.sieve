require ["fileinto", "envelope", "log"];
# every account, before its own rules
if anyof (header :is "X-Spam-Flag" "YES") {
    log "spam";
    fileinto "Junk";
    stop;
}
