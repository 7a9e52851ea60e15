"""Mistakes that a person can mend: an unknown chapter, a busy port, a folder that cannot be written.

Any classroom function raises ClassroomError with one sentence that says what was given, what was expected and what
to do. The command line prints that sentence without a traceback and leaves with `exit_code`.
"""

USAGE = 2


class ClassroomError(Exception):
    """A mistake with a sentence for the person who made it.

    Args:
        sentence: what was given, what was expected, what to do.
        exit_code: what the command returns to the shell: 1 when something went wrong, 2 (`USAGE`) when the command
            was called wrongly.
    """

    def __init__(self, sentence: str, exit_code: int = 1):
        super().__init__(sentence)
        self.exit_code = exit_code
