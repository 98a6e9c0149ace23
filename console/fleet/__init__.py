"""The page Fleet: what carries the mail, whether it is at work, and what to do when it is not."""
