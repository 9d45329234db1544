"""Two windows on one file: what is checked, kept or dropped is all of it or nothing, whatever is pressed meanwhile."""

from __future__ import annotations

import pytest
from tests_support import see_all
from walks.test_intake import dana, own_folder, row, staged_from, table
from walks.test_intake_pages import send

from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import delivering
from answerable.monitoring.intake.staging import runs, stretches

__all__ = ["dana", "own_folder"]


def rows(saved, n):
    return table(*(row(saved, victims=str(k + 1)) for k in range(n)))


def again(staged):
    return runs.Staged(staged.state.token, staged.key)


def test_nothing_is_checked_kept_or_dropped_while_another_window_does(saved, dana):
    one = staged_from(rows(saved, 3), dana)
    stretches.advance(one, by=dana)
    other = again(one)
    with one.alone():
        for act in (
            lambda: stretches.begin(other, other.state.mapping, None),
            lambda: stretches.advance(other, by=dana),
            lambda: delivering.bring_in_reports(other, by=dana),
            other.hold,
        ):
            with pytest.raises(Refused, match="in another window"):
                act()
    assert delivering.bring_in_reports(other, by=dana).kept == 3 == m.Draft.objects.filter(batch__isnull=False).count()


@pytest.mark.parametrize("act", ["map", "drop"])
def test_what_is_pressed_while_a_file_is_kept_says_so_and_loses_no_row(saved, dana, office, monkeypatch, act):
    page = office("dana")
    where = send(page, rows(saved, 4)).url
    see_all()
    run = runs.Staged(where.split("/")[-2], bytes.fromhex(page.cookies["intake-" + where.split("/")[-2]].value))
    stretches.begin(run, run.state.mapping, None)
    stretches.advance(run, by=dana)
    replies = []
    move = delivering._move_in

    def meanwhile(table, *rest):
        if table == "monitoring_draft":
            data = {f"c{n}": name for n, name in enumerate(run.state.mapping)}
            replies.append(page.post(where, {"act": act, **data}))
            see_all()
        return move(table, *rest)

    monkeypatch.setattr(delivering, "_move_in", meanwhile)
    mine = again(run)
    batch = delivering.bring_in_reports(mine, by=dana)
    assert [r.status_code for r in replies] == [409] and "in another window" in replies[0].content.decode()
    assert batch.kept == batch.drafts.count() == 4


def test_a_run_goes_on_where_the_other_window_left_it(saved, dana):
    one = staged_from(rows(saved, 3), dana)
    other = again(one)
    assert not other.state.finished
    stretches.advance(one, by=dana)
    stretches.begin(one, one.state.mapping, None)
    stretches.advance(one, by=dana)
    assert delivering.bring_in_reports(other, by=dana).drafts.count() == 3


def test_rows_that_are_not_all_that_was_checked_are_not_kept(saved, dana):
    staged = staged_from(rows(saved, 3), dana)
    stretches.advance(staged, by=dana)
    ready = staged.home / "rows"
    ready.write_bytes(b"".join(ready.read_bytes().splitlines(keepends=True)[:2]))
    before = m.Draft.objects.count()
    with pytest.raises(Refused, match="no longer whole"):
        delivering.bring_in_reports(staged, by=dana)
    see_all()
    assert m.Draft.objects.count() == before and not m.IntakeBatch.objects.filter(kept=3).exists()
    stretches.begin(staged, staged.state.mapping, None)
    stretches.advance(staged, by=dana)
    assert delivering.bring_in_reports(staged, by=dana).drafts.count() == 3


def test_who_was_late_is_told_that_the_file_is_gone(saved, dana, django_capture_on_commit_callbacks):
    one = staged_from(rows(saved, 2), dana)
    stretches.advance(one, by=dana)
    late = again(one)
    with django_capture_on_commit_callbacks(execute=True):
        delivering.bring_in_reports(one, by=dana)
    with pytest.raises(Refused, match="no longer here"):
        late.hold()
    assert not one.home.exists()
