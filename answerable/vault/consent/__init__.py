"""Consent by purpose, the gate every use passes (SC-4), withdrawal with its effects, receipts and shredding."""
