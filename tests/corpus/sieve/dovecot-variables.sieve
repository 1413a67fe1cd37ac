require ["fileinto", "variables", "envelope", "subaddress", "mailbox"];
if envelope :detail :matches "to" "*" {
  set :lower :upperfirst "name" "${1}";
}
if string :is "${name}" "" {
  fileinto "Plain";
} else {
  fileinto :create "Detail/${name}";
}
