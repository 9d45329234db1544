"""Work on the key tables. Runs in the vault process only; every function is one transaction on the keys database."""
