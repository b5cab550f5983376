"""Which click an order came from, and how sure that is."""
