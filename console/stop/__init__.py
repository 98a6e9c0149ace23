"""The page on which an operator finds mailings by any word, chooses several, and stops them with one confirmation."""
