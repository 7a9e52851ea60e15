"""Grading: `classroom grade DIR` turns a folder of submissions into marks, feedback and a gradebook."""

from course_lib.classroom.grade.batch import grade
from course_lib.classroom.grade.results import GradeResult

__all__ = ["GradeResult", "grade"]
