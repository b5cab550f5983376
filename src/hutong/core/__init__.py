"""Pure values: money, ids, errors, state tables, the base event record, the clock protocol. No I/O."""
