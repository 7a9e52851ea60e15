"""A real JupyterLab on a copy of the course, and a page of headless Chromium that looks at it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from course_lib.classroom.doctor import find_chromium

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = find_chromium()
QUIET = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a running `classroom lab`, as a function of the path to open. The course is a copy."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: the browser test needs it (Debian: apt-get install chromium)")
    copy = tmp_path_factory.mktemp("course")
    left_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for folder in ("course", "course_lib", "binder"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=left_out)
    home = copy / "home"
    home.mkdir()
    port, token = _free_port(), secrets.token_hex(8)
    environment = {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHONPATH": str(copy),
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [sys.executable, "-m", "course_lib.classroom.cli", "lab", "--no-browser", "--port", str(port)]
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, cwd=copy, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "lab.log")
        yield lambda path: f"http://127.0.0.1:{port}/lab/tree/{path}?token={token}&reset"
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()


@pytest.fixture
def page():
    """A page 1400 pixels wide; an error of a script on it fails the test."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert not errors, errors


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(480):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
