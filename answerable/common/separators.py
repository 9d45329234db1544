"""What stands between the columns of a CSV file: a comma, or what a spreadsheet writes in other countries."""

SEPARATORS = ",;\t"


def separator(text: str) -> str:
    """The commonest of comma, semicolon and tab in the first line that is not empty."""
    first = next((line for line in text.removeprefix("\ufeff").splitlines() if line.strip()), "")
    return max(SEPARATORS, key=first.count)
