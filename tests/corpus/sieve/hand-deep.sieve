require "fileinto";
if true { if true { if true { if true { if true { if true { if true { if true {
  if not not not not not not anyof (allof (anyof (allof (true, not false)))) {
    fileinto "Deep/Down/Here";
  }
} } } } } } } }
