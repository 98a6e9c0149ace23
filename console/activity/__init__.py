"""Show the page Activity: who did what, from receipts, changes in the console and sign-ins."""
