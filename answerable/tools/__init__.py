"""Offline programs: they need no server and no installation of the product."""
