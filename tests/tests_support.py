"""Helpers shared by test folders."""

from django.db import connection


def see_all() -> None:
    """Let the test itself look at every row; requests set their own scope."""
    from answerable.authority.acting import set_scope

    set_scope(["*"])


def graded_by_two(*items) -> None:
    """As if two assessors had each given these accounts the grade they were filed with (R-VER-0); levels do not follow."""
    from answerable.alliance.models import Person
    from answerable.common import clock
    from answerable.monitoring.evidence.models import Assessment

    for item in items:
        for handle in ("vera", "lena"):
            Assessment.objects.create(
                compartment=item.compartment, item=item, assessor=Person.objects.get(handle=handle), testimony=item.testimony,
                given_at=clock.now(), reasons=b"",
            )  # fmt: skip


def rows_holding(word: str) -> list[str]:
    """Tables in which some row holds the word, as text or as bytes."""
    see_all()
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s',
                [f"%{word}%", f"%{word.encode().hex()}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found
