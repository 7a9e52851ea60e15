"""Binder, without Docker and without conda: what repo2docker would build, and a build done by hand and opened.

The build by hand takes the tracked files only, installs environment.yml's packages from PyPI, runs postBuild as
another user (where the tests run as root) and opens chapter 01 through the server's interfaces, as a browser would.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import websocket
import yaml

CHAPTER = "01_tensors"
NOTEBOOK = f"course/{CHAPTER}/{CHAPTER}.ipynb"
SOMEBODY = 54321        # a user that owns nothing on this machine
posix = pytest.mark.skipif(os.name == "nt", reason="Binder's scripts are bash scripts")


def test_the_environment_is_one_file(root):
    link = root / "binder" / "environment.yml"
    if link.is_symlink():
        assert os.readlink(link) == "../environment.yml"
    else:       # a Windows checkout without symlinks
        assert link.read_text() == "../environment.yml"


@posix
def test_the_scripts_can_be_run(root):
    for script in (root / "binder").glob("*"):
        if script.name in ("postBuild", "start"):
            assert script.read_text().startswith("#!/bin/bash\n") and os.access(script, os.X_OK)


@posix
def test_repo2docker_prints_a_dockerfile_with_a_cacheable_environment(copy_tracked, run, tmp_path):
    clone = copy_tracked(tmp_path / "clone")
    done = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", clone)
    assert done.returncode == 0, done.stderr
    assert "python=3.12" in done.stderr and "Python version unspecified" not in done.stderr
    dockerfile = done.stdout
    only_this_file = dockerfile.index("src/binder/environment.yml ${REPO_DIR}/binder/environment.yml")
    environment = re.search(r'env update .*--file "binder/environment\.yml"', dockerfile).start()
    everything = re.search(r"^COPY .*\bsrc/ \$\{REPO_DIR\}/", dockerfile, re.MULTILINE).start()
    assert only_this_file < environment < everything < dockerfile.index("RUN ./binder/postBuild")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="binder-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def built(root, place, copy_tracked, run_online) -> SimpleNamespace:
    """A build: home (the repository), env (the environment), and the options that make a subprocess the other user."""
    home = copy_tracked(place / "home" / "jovyan")
    names = [line for line in yaml.safe_load((root / "binder" / "environment.yml").read_text())["dependencies"]
             if not line.startswith(("python=", "pip"))]
    (place / "packages.txt").write_text("\n".join(names).replace("matplotlib-base", "matplotlib"))

    other = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    uv = (sys.executable, "-m", "uv")
    env = place / "env"
    run_online(*uv, "venv", "--seed", "--python", python_for_everyone(other), env)
    run_online(*uv, "pip", "install", "--python", env / "bin" / "python", "--link-mode", "copy",
               "--constraint", root / "requirements.lock", "-r", place / "packages.txt", timeout=600)
    if other:
        subprocess.run(["chown", "-R", f"{SOMEBODY}:{SOMEBODY}", place], check=True)
    network = {name: value for name, value in os.environ.items() if re.match(r"PIP_|SSL_|.*_PROXY$", name.upper())}
    other |= {"cwd": home, "env": network | {"HOME": str(home), "USER": "jovyan", "LANG": "C.UTF-8",
                                             "PATH": f"{env / 'bin'}:/usr/bin:/bin"}}
    run_online("./binder/postBuild", **other)
    return SimpleNamespace(home=home, env=env, other=other)


def python_for_everyone(other: dict) -> str:
    """A Python that the other user may run: the tests' own may lie in somebody's home."""
    names = [sys._base_executable, *(f"/usr/bin/python3.{minor}" for minor in range(20, 10, -1))]
    for name in filter(os.path.exists, names):
        try:
            if subprocess.run([name, "-c", "import zlib, ssl"], cwd="/", **other).returncode == 0:
                return name
        except PermissionError:
            continue
    raise AssertionError("no Python 3.11 or newer that another user can run: apt-get install python3")


@posix
@pytest.mark.online
def test_post_build_installs_the_course_and_the_settings(root, built, run):
    where = run(built.env / "bin" / "python", "-c", "import course_lib; print(course_lib.__file__)",
                **built.other | {"cwd": "/"})
    assert where.stdout.strip() == str(built.home / "course_lib" / "__init__.py")
    assert run(built.env / "bin" / "classroom", "--help", **built.other).returncode == 0
    for name in ("overrides.json", "page_config.json"):
        placed = built.env / "share" / "jupyter" / "lab" / "settings" / name
        assert placed.read_bytes() == (root / "binder" / "lab" / name).read_bytes()
    placed = built.env / "etc" / "jupyter" / "nbgrader_config.py"
    assert placed.read_bytes() == (root / "binder" / "jupyter" / "nbgrader_config.py").read_bytes()


class Server:
    """A JupyterLab server, asked as the browser asks it."""

    def __init__(self, port: int):
        self.address = f"127.0.0.1:{port}"

    def get(self, path: str, body: dict | None = None) -> dict | str:
        request = urllib.request.Request(f"http://{self.address}/{path}", json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        return json.loads(text) if answer.headers["Content-Type"].startswith("application/json") else text

    def execute(self, kernel: str, code: str) -> list[dict]:
        """The outputs of one cell."""
        channel = websocket.create_connection(f"ws://{self.address}/api/kernels/{kernel}/channels", timeout=240)
        message = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "test",
                   "version": "5.3"}
        channel.send(json.dumps({"header": message, "parent_header": {}, "metadata": {}, "buffers": [],
                                 "channel": "shell", "content": {"code": code, "silent": False}}))
        outputs = []
        try:
            while True:
                answer = json.loads(channel.recv())
                if answer["parent_header"].get("msg_id") != message["msg_id"]:
                    continue
                if answer["msg_type"] in ("stream", "execute_result", "display_data", "error"):
                    outputs.append(answer["content"] | {"output_type": answer["msg_type"]})
                if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                    return outputs
        finally:
            channel.close()


@pytest.fixture
def server(built) -> Iterator[Server]:
    """The server that Binder starts, in the repository, as the other user."""
    log = built.home / "server.log"
    log.touch()
    with log.open("r+") as said:
        process = subprocess.Popen(
            [built.env / "bin" / "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=18888",
             "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"],
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True, **built.other)
        try:
            deadline = time.monotonic() + 240
            while not (port := re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text())):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield Server(int(port[1]))
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@posix
@pytest.mark.online
def test_chapter_01_opens_and_its_first_cells_run(server):
    notebook = server.get(f"api/contents/{NOTEBOOK}")["content"]
    page = server.get(f"lab/tree/{NOTEBOOK}")
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert "@jupyter/nbgrader:create-assignment" in config["disabledExtensions"]
    assert "anywidget" in {extension["name"] for extension in config["federated_extensions"]}

    session = server.get("api/sessions", {"path": NOTEBOOK, "name": CHAPTER, "type": "notebook",
                                          "kernel": {"name": "python3"}})
    kernel = session["kernel"]["id"]
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"][:3]
    assert "import course_lib as torch" in "\n".join(cells)
    for code in cells:
        errors = [output for output in server.execute(kernel, code) if output["output_type"] == "error"]
        assert not errors, errors
    printed = server.execute(kernel, "print(torch.arange(6).reshape(2, 3))")
    assert [output["text"] for output in printed] == ["tensor([[0, 1, 2],\n        [3, 4, 5]])\n"]
