require ["date","fileinto","relational","vacation"];
# rule:[Urlaub]
if allof (currentdate :value "ge" "date" "2026-07-01", currentdate :value "le" "date" "2026-07-14")
{
	vacation :days 1 :subject "Urlaub" text:
Ich bin im Urlaub.

.. ein Punkt am Anfang
.
;
	fileinto "Urlaub";
}
