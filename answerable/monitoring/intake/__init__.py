"""Reports from wherever people work: one description of forms A1 to A3, one check, every route."""
