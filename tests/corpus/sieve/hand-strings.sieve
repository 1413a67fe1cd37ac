require ["fileinto", "mailbox"];
fileinto :create "say \"hello\"";
fileinto :create "back\\slash/\\\\server";
fileinto :create "semi;colon{brace}";
fileinto :create "#hash /*star";
redirect "\"Work\"@example.com";
