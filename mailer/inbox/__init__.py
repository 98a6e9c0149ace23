"""The local inbox in the admin: mail that a local SMTP server has put into the Maildir that `LOCAL_INBOX` names."""
