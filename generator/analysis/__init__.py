"""Numbers about feature maps, free of frameworks and of pictures."""
