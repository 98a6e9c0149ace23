"""Show the local inbox: mail that a local SMTP server has put into the Maildir that `LOCAL_INBOX` names."""
