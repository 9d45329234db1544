"""Every change to links, searches, agreements, actors and lines of command."""

from answerable.monitoring.linking.actions.agreeing import ask_to_compare, end_agreement, note_agreement
from answerable.monitoring.linking.actions.commanding import (
    end_command,
    enter_actor,
    import_actors,
    note_commander,
    note_subordination,
    put_actors,
)
from answerable.monitoring.linking.actions.comparing import clear, note, put_cards
from answerable.monitoring.linking.actions.deciding import decide_link, said, undo_link
from answerable.monitoring.linking.actions.searching import begin_search, move_search, owed, search_part, start_search

__all__ = [
    "ask_to_compare",
    "begin_search",
    "clear",
    "decide_link",
    "end_agreement",
    "end_command",
    "enter_actor",
    "import_actors",
    "move_search",
    "note",
    "note_agreement",
    "note_commander",
    "note_subordination",
    "owed",
    "put_actors",
    "put_cards",
    "said",
    "search_part",
    "start_search",
    "undo_link",
]
