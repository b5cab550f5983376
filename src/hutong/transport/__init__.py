"""The HTTP client of the house: pooling, pacing, bounded retries, transcripts without secrets."""
