"""The local inbox in the admin: what a local SMTP server has put into the Maildir that `LOCAL_INBOX` names."""
