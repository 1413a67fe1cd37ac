require ["fileinto", "tag", "variables"];
# Lists
if header :matches "List-Id" "*<*@*" {
    set :lower "list" "${2}";
    fileinto "Lists/${list}";
} else {
    fileinto "Lists";
}
