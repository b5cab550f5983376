"""The schema: Alembic revisions, run as the owner role. Each carries a note of why and is checked by tests."""
