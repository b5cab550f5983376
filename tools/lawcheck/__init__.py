"""The laws that a machine can read in the code: each rule looks at one file and says what breaks it.

A rule may be set aside for one line, with a reason: ``# law: allow RULE because …`` on that line or the one above.
What cannot be read in the code (row-level security, balanced books) is tested on a live database instead.
"""
