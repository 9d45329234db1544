"""Who may do what: Cedar policies and the one function that decides."""
