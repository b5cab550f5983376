"""Simulated apps that open links: what each lets through, and visitors who use them as people do."""
