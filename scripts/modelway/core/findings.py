"""What a scanner found in an image: packages, findings, and the report that holds them."""
