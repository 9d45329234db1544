"""Numerical parts without the framework."""
