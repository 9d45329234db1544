"""Every change in taking reports in: a delivery kept or undone, a draft filed, a correction taken over, an interview asked for."""
