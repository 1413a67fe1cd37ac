require["fileinto","copy"];if anyof(true,false){fileinto:copy"A";fileinto"B/C";}else{discard;}stop;
