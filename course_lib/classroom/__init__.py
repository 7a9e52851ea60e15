"""The classroom: what a notebook imports to check an answer and to see one's progress.

`from course_lib.classroom import check, progress` is all that a student's notebook needs. What instructors use
(building, proving and grading notebooks) lives in the modules beside this one and is loaded only by their commands.
"""

from course_lib.classroom.check import CheckFailed, NotAttempted, check
from course_lib.classroom.progress import progress

__all__ = ["CheckFailed", "NotAttempted", "check", "progress"]
