

require	[	"fileinto"	]	;

	if	true	{

fileinto
  "Blank /Between "
  ;
	}

