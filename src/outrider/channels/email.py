"""Mail to mailboxes."""

from outrider.contracts.channel import Channel

CHANNEL = Channel("email", "Mail to mailboxes", "email")
