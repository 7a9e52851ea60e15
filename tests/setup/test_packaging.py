"""pyproject.toml, the lock, environment.yml and the documents say the same, and a built wheel holds every file."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKED_EXTRAS = ("course", "grade", "test")
CONDA_NAMES = {"matplotlib-base": "matplotlib"}     # conda-forge's name for matplotlib without a window toolkit
NO_WHEEL_NEEDED = {"python", "pip"}


@pytest.fixture(scope="module")
def project(root) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lock(root) -> list[Requirement]:
    lines = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def wanted_by(project: dict, *extras: str) -> list[Requirement]:
    """The requirements of the project with these extras; an extra that names the project means another extra."""
    found = []
    optional = [line for extra in extras for line in project["optional-dependencies"][extra]]
    for line in [*project["dependencies"], *optional]:
        requirement = Requirement(line)
        if requirement.name == project["name"]:
            found += wanted_by(project | {"dependencies": []}, *requirement.extras)
        else:
            found.append(requirement)
    return found


# The lock

def test_the_lock_pins_what_pyproject_asks_for(project, lock):
    for wanted in wanted_by(project, *LOCKED_EXTRAS):
        pins = [pin for pin in lock if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
        assert pins, f"{wanted.name} is in pyproject.toml and not in requirements.lock: make the lock again"
        for pin in pins:
            version = next(iter(pin.specifier)).version
            assert wanted.specifier.contains(version, prereleases=True), f"the lock has {pin}, asked for is {wanted}"


def test_the_lock_holds_exactly_what_is_needed(project, lock):
    """Follow the installed packages' own requirements from pyproject's: all of them are locked, and nothing else."""
    here = {canonicalize_name(pin.name) for pin in lock if pin.marker is None or pin.marker.evaluate()}
    needed, waiting = set(), [(canonicalize_name(wanted.name), wanted.extras)
                              for wanted in wanted_by(project, *LOCKED_EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        if (name, frozenset(extras)) in needed:
            continue
        needed.add((name, frozenset(extras)))
        for line in metadata.requires(name) or []:
            asked = Requirement(line)
            if applies(asked.marker, extras):
                waiting.append((canonicalize_name(asked.name), asked.extras))
    names = {name for name, _ in needed}
    assert names <= here, f"not locked: {sorted(names - here)}"
    assert here <= names, f"locked, but nothing needs it: {sorted(here - names)}"


def applies(marker: Marker | None, extras: set[str]) -> bool:
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ["", *extras])


def test_every_line_of_the_lock_is_one_version_of_one_package(root, lock):
    assert len(lock) > 100
    for pin in lock:
        assert pin.url is None and [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text and "/" not in text
    assert "torch" not in {pin.name for pin in lock}


@pytest.mark.online
def test_making_the_lock_again_changes_nothing(root, run_online, tmp_path):
    """Its first lines name the command that made it; run on this pyproject.toml it must keep every pin."""
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(root / name, tmp_path)
    before = (root / "requirements.lock").read_text(encoding="utf-8")
    command = re.search(r"^#\s+uv (pip compile .*)$", before, re.MULTILINE)[1].split()
    run_online(sys.executable, "-m", "uv", *command, cwd=tmp_path)
    assert (tmp_path / "requirements.lock").read_text(encoding="utf-8") == before


@pytest.mark.online
@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
@pytest.mark.parametrize("python", ["3.11", "3.14"])
def test_every_locked_package_has_a_wheel(root, run_online, platform, python):
    done = run_online(sys.executable, "-m", "uv", "pip", "compile", "--no-header", "--python-version", python,
                      "--python-platform", platform, "--only-binary", ":all:", "--no-deps", "requirements.lock",
                      cwd=root)
    assert len(re.findall(r"^\S+==\S+$", done.stdout, re.MULTILINE)) > 100


# Versions and extras

def test_the_extras_are_those_that_the_documents_name(project):
    assert set(project["optional-dependencies"]) == {"course", "grade", "test", "parity", "cuda12", "cuda13", "kernels",
                                                     "bench"}
    assert project["requires-python"] == ">=3.11"
    numpy = next(Requirement(line) for line in project["dependencies"] if line.startswith("numpy"))
    assert [numpy.specifier.contains(version) for version in ("2.2.6", "2.3.0", "2.5.9", "2.6.0")] == [
        False, True, True, False]


def test_the_version_is_the_same_everywhere(root, project):
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"] == "BSD-3-Clause"
    assert citation["repository-code"] == project["urls"]["Repository"]


# environment.yml

@pytest.fixture(scope="module")
def environment(root) -> dict:
    return yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))


def conda_requirements(environment: dict) -> list[Requirement]:
    """environment.yml's packages under their PyPI names."""
    names = [re.match(r"[A-Za-z0-9_.-]+", line)[0] for line in environment["dependencies"]]
    return [Requirement(CONDA_NAMES.get(name, name) + line.removeprefix(name))
            for name, line in zip(names, environment["dependencies"], strict=True) if name not in NO_WHEEL_NEEDED]


def test_environment_yml_has_the_form_that_binder_reads(environment):
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    assert all(isinstance(line, str) for line in environment["dependencies"])      # no pip section, so no `-e .`
    assert "python=3.12" in environment["dependencies"] and "pip" in environment["dependencies"]


def test_environment_yml_names_what_pyproject_names(project, environment):
    def table(requirements):
        return {canonicalize_name(requirement.name): requirement.specifier for requirement in requirements}

    assert table(conda_requirements(environment)) == table(wanted_by(project, "course"))


@pytest.mark.online
@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_environment_yml_resolves(environment, run_online, platform, tmp_path):
    wanted = conda_requirements(environment)
    (tmp_path / "wanted.txt").write_text("\n".join(map(str, wanted)))
    done = run_online(sys.executable, "-m", "uv", "pip", "compile", "--no-header", "--python-version", "3.12",
                      "--python-platform", platform, "--only-binary", ":all:", tmp_path / "wanted.txt")
    found = {canonicalize_name(line.split("==")[0]) for line in done.stdout.splitlines() if "==" in line}
    assert {canonicalize_name(requirement.name) for requirement in wanted} <= found


# The wheel

@pytest.mark.online
def test_the_wheel_holds_every_file_of_the_library(copy_tracked, run_online, tmp_path):
    source = copy_tracked(tmp_path / "source")
    run_online(sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", tmp_path, source)
    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    held = {name for name in wheel.namelist() if name.startswith("course_lib/")}
    wanted = {path.relative_to(source).as_posix() for path in (source / "course_lib").rglob("*")
              if path.suffix in (".py", ".js", ".css", ".json", ".cu", ".cuh")}
    assert held == wanted
    scripts = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "classroom = course_lib.classroom.cli:main" in wheel.read(scripts).decode()


# The documents

DOCUMENTS = ("README.md", "INSTRUCTOR.md", "CONTRIBUTING.md")


def test_the_repository_has_one_address(root, project):
    """Badges, links and citation use pyproject's Repository, so that moving the project means one replacement."""
    slug = project["urls"]["Repository"].removeprefix("https://github.com/")
    for name in (*DOCUMENTS, "CITATION.cff"):
        text = (root / name).read_text(encoding="utf-8")
        assert set(re.findall(r"github\.com/([\w.-]+/[\w-]+)", text)) <= {slug}, name
        assert set(re.findall(r"mybinder\.org/v2/gh/([\w.-]+/[\w.-]+)/", text)) <= {slug}, name


def test_the_readme_launches_exactly_the_chapters_that_exist(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    launched = re.findall(r"mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/main\?urlpath=lab/tree/(course/\S+?\.ipynb)", text)
    existing = sorted(path.relative_to(root).as_posix() for path in (root / "course").glob("*/*.ipynb"))
    assert sorted(set(launched)) == existing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_name_files_and_commands_that_exist(root, name):
    text = (root / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (root / target).exists(), f"{name} links to {target}"
    for command in re.findall(r"(?:classroom\.py|`classroom|^classroom) ([a-z]+)", text, re.MULTILINE):
        assert command in {"lab", "test", "build", "check", "grade", "doctor"}, f"{name} names {command}"


def test_the_licence_is_the_bsd_licence_of_the_contributors(root):
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("BSD 3-Clause License") and "From the Tensor Up contributors" in text
    assert "Neither the name of the copyright holder" in text


def test_tracked_files_have_unix_line_ends(root):
    """A Windows checkout included: notebooks are compared byte for byte, and CRLF breaks shell scripts."""
    listed = subprocess.run(["git", "ls-files", "--eol"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if line.startswith(("i/crlf", "i/mixed"))]
    assert "binder/postBuild" in listed and Path(root / ".gitattributes").is_file()
