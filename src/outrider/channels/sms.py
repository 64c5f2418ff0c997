"""Text messages to phones."""

from outrider.contracts.channel import Channel

CHANNEL = Channel("sms", "Text messages to phones", "phone")
