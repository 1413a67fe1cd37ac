require ["body","fileinto"];
# rule:[Big]
if anyof (size :over 10M, size :under 1K, body :raw :contains ["Work", "\"Work\""])
{
	fileinto "Sizes/Big & Small";
}
