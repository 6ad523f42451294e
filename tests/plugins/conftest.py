"""The guest's project, built and installed beside the wheel of ecoo in an environment that cannot see the checkout."""

import importlib
import itertools
import json
import os
import site
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
GUEST = Path(__file__).parent / "guest"

_names = itertools.count()


def run(command: list[str | Path], cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process with nothing of our environment but what it needs to start."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(command, cwd=cwd, env=kept | environ, capture_output=True, text=True, timeout=100, check=False)


def build_wheel(project: Path, into: Path) -> Path:
    """The project's wheel, built by hatchling without network."""
    done = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)], project)
    assert done.returncode == 0, done.stderr
    return next(into.glob("*.whl"))


def tracked() -> set[str]:
    """Every file of the three packages that a release must carry."""
    return {
        path.relative_to(CHECKOUT).as_posix()
        for package in ("engine", "plugins", "admin")
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@dataclass(frozen=True)
class Wheel:
    """A built wheel, and what the tree held just before."""

    path: Path
    tree: set[str]

    @property
    def names(self) -> set[str]:
        with zipfile.ZipFile(self.path) as wheel:
            return set(wheel.namelist())


@dataclass(frozen=True)
class Environment:
    """An environment with ecoo and perhaps a guest in it."""

    folder: Path

    @property
    def packages(self) -> Path:
        return next((self.folder / "lib").glob("python3*")) / "site-packages"

    def python(self, code: str) -> str:
        done = run([self.folder / "bin" / "python", "-c", code], self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ecoo(self, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return run([self.folder / "bin" / "ecoo", *arguments], self.folder, **environ)

    def asked(self, *arguments: str | Path, **environ: str) -> dict[str, Any]:
        """The one JSON object of a command that must go well."""
        done = self.ecoo(*arguments, "--json", **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def ecoo_wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    tree = tracked()
    return Wheel(build_wheel(CHECKOUT, tmp_path_factory.mktemp("wheel")), tree)


@pytest.fixture(scope="session")
def guest_home(tmp_path_factory: pytest.TempPathFactory, ecoo_wheel: Wheel) -> Environment:
    """A fresh environment with the wheels of ecoo and of the guest. The libraries below them are those of the tests, by a
    .pth file: such a folder's own .pth files, the editable checkout's among them, are not followed."""
    folder = tmp_path_factory.mktemp("acme")
    guest = build_wheel(GUEST, tmp_path_factory.mktemp("guest-wheel"))
    assert run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder).returncode == 0
    environment = Environment(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check", "install"]
    done = run([*pip, "--no-index", "--no-deps", "--quiet", str(ecoo_wheel.path), str(guest)], folder)
    assert done.returncode == 0, done.stderr
    (environment.packages / "third-party.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return environment


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Installs a guest in a folder on the path: its module's source, and its entry point. Gives the module's name."""
    modules: list[str] = []

    def install(source: str, name: str = "acme", *, distribution: str = "", version: str = "2.5", attribute: str = "") -> str:
        module = f"acme_guest_{next(_names)}"
        modules.append(module)
        folder = tmp_path / module
        folder.mkdir()
        (folder / f"{module}.py").write_text(source)
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or module}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[ecoo.plugins]\n{name} = {module}{attribute}\n")
        monkeypatch.syspath_prepend(folder)
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
