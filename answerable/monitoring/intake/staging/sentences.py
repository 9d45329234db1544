"""What is said of a row that is not taken, or is taken without what it names."""

from __future__ import annotations

from answerable.monitoring.intake import rules

WITHDRAWN = rules._(
    "Consent to the report of this submission was withdrawn, so no later version of it is kept: nothing of this row was."
)
TWICE = rules._(
    "An earlier row of this file says exactly the same, so it is kept once. If these are two reports, give each row a number "
    "of its own (submission_id) and bring the file in again."
)
LATE = rules._(
    "This is an older version of a submission, which came after a newer one. The newer one stands and nothing was changed: there is "
    "nothing to mend."
)
EARLIER = rules._("What is here of this submission is a later version than this row, so nothing was changed.")
# Said of a row, and nobody has to do anything about it.
NOTHING_TO_MEND = {LATE, EARLIER}
WITHOUT_ITEMS = rules._(
    "This submission is here with source items; this row has the same time and none, so it cannot be told whether it was edited. "
    "Nothing was changed. A CSV of KoboToolbox holds no items: bring in its XLSX or JSON."
)
NUMBERED_TWICE = rules._(
    "An earlier row of this file has the same number (submission_id) and says something else. That one is kept and this one is "
    "not. If these are two reports, give each a number of its own and bring the file in again."
)
UNEVEN = rules._(
    "This row has %(cells)d cells where the header has %(columns)d, so it cannot be told which cell is what. A text or a number with "
    "the sign in it that parts the columns of this file stands in quotes; write numbers without one. Mend the row and bring the file "
    "in again."
)
SWALLOWED = rules._(
    "A cell of this row holds lines that look like rows of the file: a quote seems to be left open, so reports would be lost in it. "
    "Mend the quotes, or join the lines of the text, and bring the file in again."
)
NO_FILE = rules._(
    "The file that this source item names is not in what you sent, so the item is kept without it. Export again with all files, or "
    "attach it to the item once the report is filed."
)
