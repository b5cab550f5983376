"""The same events that drive the house, delivered to the merchant's own systems."""
