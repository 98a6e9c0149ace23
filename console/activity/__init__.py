"""Show the page Activity: the actions of people and keys, from receipts, changes in the console and sign-ins."""
