require ["fileinto", "foreverypart", "mime", "extracttext", "variables"];
foreverypart :name "outer" {
  if header :mime :type "content-type" "image" {
    fileinto "Pictures";
    break :name "outer";
  }
}
