"""Double-entry books of one merchant: what every fen is for, whom it is owed to, and a chain that shows tampering."""
