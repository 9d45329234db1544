"""Linkage without a framework: names across scripts, and whether two reports may speak of one incident.

It proposes and explains; people decide. It compares incidents and armed actors, never survivors.
"""
