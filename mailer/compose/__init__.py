"""Make a MIME message of a mail and one personalization, by pure functions from values to bytes."""
