"""Rehearsals: scenario files run through the same actions and policies the doors use."""
