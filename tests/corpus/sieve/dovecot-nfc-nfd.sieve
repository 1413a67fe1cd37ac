require ["fileinto"];
if true { fileinto "Bücher"; }
if true { fileinto "Bücher/Neu"; }
