"""The checkout's virtual environment, with the pinned requirements and Barista itself in it."""

import hashlib
import json
import sys
from pathlib import Path

from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError

# Debian 12's Boost.Python, which pycaffe needs, is for this one.
_VERSION = (3, 11)
_STAMP = ".barista.json"


def check_version() -> None:
    """Raises SetUpError where another Python runs than Caffe can be built for."""
    if sys.version_info[:2] != _VERSION:
        found = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetUpError(f"Python {found} at {sys.executable}: Debian 12's Boost.Python is for 3.11; run 'make PYTHON=python3.11'")


def make_environment(setting: Setting, runner: Runner) -> None:
    """Leaves `.venv` with what requirements.txt asks for; goes on from an older one, makes one anew that was cut off."""
    stamp = setting.venv / _STAMP
    before, wanted = _read(stamp), _wanted(setting)
    if before == wanted:
        return
    # Until pip is through, the environment does not count.
    stamp.unlink(missing_ok=True)
    if before.get("python") != wanted["python"] or before.get("folder") != wanted["folder"]:
        runner.run(sys.executable, "-m", "venv", "--clear", setting.venv)
    pip = [str(setting.python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
    runner.run(*pip, "--requirement", setting.checkout / "requirements.txt")
    runner.run(*pip, "--no-deps", "--no-build-isolation", "--editable", setting.checkout)
    _write(stamp, wanted)


def _wanted(setting: Setting) -> dict[str, str]:
    described = b"".join((setting.checkout / name).read_bytes() for name in ("requirements.txt", "setup.py", "pyproject.toml"))
    return {
        "requirements": hashlib.sha256(described).hexdigest(),
        # Not its build: a security update of Debian's, which the first step may bring, leaves an environment as good as it was.
        "python": f"{sys.version_info.major}.{sys.version_info.minor} {sys.executable}",
        "folder": str(setting.venv),  # its scripts name it
    }


def _read(stamp: Path) -> dict[str, str]:
    try:
        return dict(json.loads(stamp.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(stamp: Path, content: dict[str, str]) -> None:
    aside = stamp.with_suffix(".partial")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.rename(stamp)
