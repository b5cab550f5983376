"""Live sessions: one stream to many rooms, one comment desk, orders by keyword. Not built yet."""
