require ["fileinto"];
# An editor wrote a rule without conditions
if anyof () {
    fileinto "Nothing";
}
if header :is [] "x" { keep; }
