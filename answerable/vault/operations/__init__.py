"""The vault's own operations. Run in the vault process; the apps above add theirs to the same table."""
