require ["fileinto", "copy"];
# posted to a bulletin board, and to the user's own
if address :is ["to", "cc"] "news@example.com" {
    fileinto :copy "shared.news";
    fileinto "user.anna.News";
}
