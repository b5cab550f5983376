"""The merchant's own customers: one person behind several identities, masked in lists and sealed at rest."""
