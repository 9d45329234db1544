"""Evidence on source items: files and their custody, proofs of time, redaction; and how verification is reasoned."""
