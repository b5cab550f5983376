"""Where domains meet: commands (one transaction over several domains) and reactions (what follows an event)."""
