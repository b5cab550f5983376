"""What every connector must prove, ours or anybody's."""
