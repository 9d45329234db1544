"""The neutral door."""
