"""HTTP to platforms: pacing, retries, transcript and scrub. Everything it needs comes as arguments."""
