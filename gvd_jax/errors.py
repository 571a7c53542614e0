"""The one exception a user may see: one line that says what was wrong and what to do."""


class InputError(ValueError):
    """Input the library cannot work with; the message is one line and names the next step."""
