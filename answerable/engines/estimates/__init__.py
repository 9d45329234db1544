"""How many were never reported: multiple systems estimation from the overlaps of lists.

Numbers in, numbers out; no name is ever read. `report.estimate(table)` is the way in, `tables.read_csv` reads a file.
Every model here was written from its paper; none was taken from another program.
"""
