"""Every change to situations, reports and patterns."""

from answerable.monitoring.actions import consenting  # noqa: F401 - it answers questions
from answerable.monitoring.actions.assessing import (
    assess_pattern,
    describe_count,
)
from answerable.monitoring.actions.concluding import (
    cap_is_back,
    changed_by,
    conclude,
    keep_cap,
    note_grade,
    note_weighed,
    refuse_adder,
    refuse_unseen,
    regrade_item,
    verify_incident,
)
from answerable.monitoring.actions.locking import (
    locked,
    locked_item,
)
from answerable.monitoring.actions.reporting import (
    add_item,
    move_incident,
    name_further,
    name_further_actors,
    receive_report,
)
from answerable.monitoring.actions.restating import (
    relevel,
)
from answerable.monitoring.actions.situations import (
    enter_party,
    import_svac,
    open_situation,
    undo_import,
)

__all__ = [
    "add_item",
    "assess_pattern",
    "cap_is_back",
    "changed_by",
    "conclude",
    "describe_count",
    "enter_party",
    "import_svac",
    "keep_cap",
    "locked",
    "locked_item",
    "move_incident",
    "name_further",
    "name_further_actors",
    "note_grade",
    "note_weighed",
    "open_situation",
    "receive_report",
    "refuse_adder",
    "refuse_unseen",
    "regrade_item",
    "relevel",
    "undo_import",
    "verify_incident",
]
