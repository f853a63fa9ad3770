"""Mail: single messages, mailboxes, Outlook's messages; each with what is attached to it."""
