"""The programs are data of the tests: pytest shall not import them."""

from program_cases import files

collect_ignore = [path.name for path in files()]
