/* fileinto "Work"; is not called here,
 * nor here: if true { fileinto "Work"; }
 **/
require/* tight */"fileinto"/**/;# fileinto "Work";
if /* one */ header /* two */ :contains # three "
  "subject" /* " */ "x"
{ /* } */ fileinto /* "Workshop" */ "Work" /* ; */ ; }
