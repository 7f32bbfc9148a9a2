"""What pages show, and the website made of them."""
