"""Answerable: the working system of an alliance of states against conflict-related sexual violence."""
