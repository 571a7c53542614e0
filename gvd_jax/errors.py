"""The one exception a user may see: one line that says what was wrong and what to do. And how a command may end."""

INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


class InputError(ValueError):
    """Input the library cannot work with; the message is one line and names the next step."""


def first_line(error: Exception) -> str:
    """Of what an error of other code says, with its kind."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
