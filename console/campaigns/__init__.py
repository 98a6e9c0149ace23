"""Show the list of campaigns, with a red cross and a menu on each row, and the page that shows what happens now."""
