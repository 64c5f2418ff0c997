"""Notifications to an app. A person has one address for each device: the token the app got from its push service."""

from outrider.contracts.channel import Channel

CHANNEL = Channel("push", "Notifications to the company's app", "token", everywhere=True)
