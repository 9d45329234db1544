"""Helpers shared by test folders."""


def see_all() -> None:
    """Let the test itself look at every row; requests set their own scope."""
    from answerable.authority.acting import set_scope

    set_scope(["*"])
