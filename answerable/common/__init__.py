"""What every app shares: refusals, lifecycles, deadlines, exact numbers, references, tables. No framework."""
