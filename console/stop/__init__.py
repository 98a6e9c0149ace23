"""Show the page on which an operator finds mailings by any word, and stops several of them with one confirmation."""
