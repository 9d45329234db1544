"""What the door asks of the vault. Runs in the vault process; the door itself has no database and keeps nothing.

A visitor's session holds what they may see; its token is in their cookie. Each operation reads the session, does one
thing, and answers plain texts.
"""
