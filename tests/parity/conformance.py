"""The conformance status: what of one of PyTorch's own test databases course_lib does not reproduce yet, and why.

A `Database` has a folder beside this file (op_db, module_db, …). Its `status.json` holds, for each entry that is not
fully equal, the aspects that differ with the observed difference. A test fails when an aspect gets worse and also when
it gets better, so that the file only ever shrinks. Each database writes its own section of docs/coverage.md.
The command line of a database, for example `python tests/parity/op_db/status.py`:

    status.py                  run everything, say what changed against the record
    status.py nn.Linear 'f*'   run only these entries (names or patterns)
    status.py --write          and record it (refuses what got worse, unless --accept-worse), and write the section
    status.py --table          write the section from the recorded status

`python tests/parity/conformance.py` writes the sections of all databases.
"""

from __future__ import annotations

import fnmatch
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "coverage.md"
HEADER = """# Conformance with PyTorch 2.13

Generated from the databases that PyTorch tests itself with, by `tests/parity/*_db/status.py --table`; not edited by
hand.
"""


@dataclass(frozen=True)
class Why:
    """A reason for differences: which entries and aspects it explains (patterns), and whether machines differ in it."""

    entries: str
    aspects: str
    reason: str
    varies: bool = False  # the difference depends on the processor or the LAPACK, so that its absence is no news


@dataclass(frozen=True)
class Database:
    """One of PyTorch's databases, and what is known about the entries that differ.

    folder: where `status.json` lies. title, about: the heading of its section, and a sentence on what is compared.
    out_of_scope: why an entry is not part of the library, None if it is. reasons: the first that fits explains.
    """

    folder: str
    title: str
    about: str
    out_of_scope: Callable[[str], str | None]
    reasons: tuple[Why, ...]

    @property
    def file(self) -> Path:
        return HERE / self.folder / "status.json"

    def recorded(self) -> dict[str, dict[str, str]]:
        """Entry -> aspect -> difference, as committed."""
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}

    def why(self, name: str, aspect: str) -> Why:
        """The first reason that explains a difference."""
        plain = name.split("/")[0]
        return next(w for w in self.reasons if re.fullmatch(w.entries, plain) and re.fullmatch(w.aspects, aspect))

    def compare(self, name: str, found: dict[str, str], before: dict[str, str]) -> list[str]:
        """What changed against the record, one sentence an aspect."""
        worse = [aspect for aspect in found if aspect not in before and not (before and self.why(name, aspect).varies)]
        better = [aspect for aspect in before if aspect not in found and not self.why(name, aspect).varies]
        return [
            *[f"{name}: {aspect} differs from PyTorch ({found[aspect]})" for aspect in worse],
            *[f"{name}: {aspect} is now equal to PyTorch, take it out of status.json" for aspect in better],
        ]

    # ---- the page ------------------------------------------------------------------------------------------------

    def section(self, status: dict[str, dict[str, str]], names: list[str]) -> str:
        """The status as a section for readers, from its heading to its last line."""
        inside = [name for name in names if self.out_of_scope(name) is None]
        missing = [name for name in inside if "missing" in status.get(name, {})]
        partial = [name for name in inside if name in status and name not in missing]
        equal = len(inside) - len(missing) - len(partial)
        counts = {
            "equal in every aspect": equal,
            "with a difference, listed below": len(partial),
            "not implemented, listed below": len(missing),
            "out of scope, listed below": len(names) - len(inside),
        }
        lines = [f"## {self.title}", "", self.about, "", "| entries | |", "|---|---:|"]
        lines += [f"| {what} | {count} |" for what, count in counts.items()]
        if partial:
            lines += ["", f"### {self.title} with a difference", ""]
            lines += ["| entry | aspect | difference | why |", "|---|---|---|---|"]
        for name in sorted(partial):
            for aspect, text in status[name].items():
                lines.append(f"| `{name}` | {aspect} | {_cell(text)} | {self.why(name, aspect).reason} |")
        if missing:
            lines += ["", f"### {self.title} not implemented", "", ", ".join(f"`{name}`" for name in sorted(missing))]
        by_reason: dict[str, set[str]] = {}
        for name in names:
            if reason := self.out_of_scope(name):
                by_reason.setdefault(reason, set()).add(f"`{name}`")
        if by_reason:
            lines += ["", f"### {self.title} out of scope", "", "| reason | entries |", "|---|---|"]
        lines += [f"| {reason} | {', '.join(sorted(found))} |" for reason, found in sorted(by_reason.items())]
        return "\n".join(lines) + "\n"

    def write_section(self, names: list[str]) -> None:
        """Put the section of the recorded status into the page, in the place it has there."""
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        parts = [f"## {part.strip()}\n" for part in re.split(r"^## ", page, flags=re.M)[1:]]
        sections = {part.split("\n")[0]: part for part in parts}
        sections[f"## {self.title}"] = self.section(self.recorded(), names)
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text("\n".join([HEADER, *sections.values()]), encoding="utf-8")

    def is_on_page(self, names: list[str]) -> bool:
        """Whether the page holds what `write_section` would write."""
        return self.section(self.recorded(), names) in PAGE.read_text(encoding="utf-8")

    # ---- the command line ----------------------------------------------------------------------------------------

    def main(self, arguments: list[str], entries: Iterable[tuple[str, object]], check: Callable) -> int:
        """Run `check(entry)` (aspect -> difference) over (name, entry) as the arguments say."""
        entries = list(entries)
        names = [name for name, _ in entries]
        flags = [a for a in arguments if a.startswith("--")]
        patterns = [a for a in arguments if not a.startswith("--")]
        if "--table" not in flags:
            asked = [e for e in entries if not patterns or any(fnmatch.fnmatch(e[0], p) for p in patterns)]
            if not self._run(asked, check, flags):
                return 1
        if "--write" in flags or "--table" in flags:
            self.write_section(names)
        return 0

    def _run(self, entries, check, flags: list[str]) -> bool:
        """Run the entries, print what changed, record it where asked; False where that was refused."""
        before, changes = self.recorded(), []
        asked = {name for name, _ in entries}
        now = {name: found for name, found in before.items() if name not in asked}
        for name, entry in entries:
            if self.out_of_scope(name) is None and (found := check(entry)):
                now[name] = found
            changes += self.compare(name, now.get(name, {}), before.get(name, {}))
        print("\n".join(changes) or "nothing changed")
        if "--write" not in flags:
            return True
        worse = [line for line in changes if "now equal" not in line]
        if worse and "--accept-worse" not in flags:
            print(f"{len(worse)} aspects got worse: not written")
            return False
        self.file.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return True


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_page() -> None:
    """Write the sections of all databases from their recorded status."""
    for folder in sorted(path.parent.name for path in HERE.glob("*_db/status.py")):
        status, samples = (importlib.import_module(f"{folder}.{name}") for name in ("status", "samples"))
        status.DATABASE.write_section([name for name, _ in samples.variants()])


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    write_page()
