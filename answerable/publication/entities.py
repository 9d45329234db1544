"""Publication answers when something below becomes public."""

from answerable.common.hooks import question
from answerable.publication import releasing

question("released").answer_with(releasing.release)
