"""What follows an event. Each handler runs in one transaction, once for each event (inbox key: handler, event)."""
