"""Early warning (domain.md §2.4): indicators seen, the level they amount to, the person who confirms it, and the forecast."""
