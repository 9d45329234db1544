"""Patterns and scale: what an actor's incidents amount to, what carries it, and what would make it fall (§1.4-1.6)."""
