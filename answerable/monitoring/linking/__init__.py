"""Reports that may speak of one incident, and who commands whom: candidates with reasons, decided by people, reversible."""
