"""Making a MIME message of a mail and one personalization: pure functions from values to bytes."""
