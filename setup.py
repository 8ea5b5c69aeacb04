"""The Python package `barista`: `pip install .` builds its libraries with CMake and carries them, the kernels and the recipes.

Caffe is found as CMake finds it: CAFFE_ROOT, else where `make setup` puts it. An editable install builds nothing: a checkout's
plugin lies in build/, its kernels and recipes where they are.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CARRIED = ("opencl_kernels", "bitstreams")
TARGETS = {"barista": "libbarista.so", "barista_plan_library": "libbarista_plan.so"}


class BuildPlugin(build_ext):
    """Puts the libraries, the kernels and the recipes into the package's folder `installed`, where barista.paths looks."""

    def run(self) -> None:
        if self.editable_mode:
            return
        installed = Path(self.build_lib).absolute() / "barista" / "installed"
        installed.mkdir(parents=True, exist_ok=True)
        folder = Path(self.build_temp).absolute()
        self._build(folder)
        for library in TARGETS.values():
            shutil.copy2(folder / library, installed)
        for name in CARRIED:
            shutil.copytree(ROOT / name, installed / name, dirs_exist_ok=True)

    def get_outputs(self) -> list[str]:
        return []

    def _build(self, folder: Path) -> None:
        if shutil.which("cmake") is None:
            sys.exit("cmake is not there; it builds libbarista.so, the part of Barista that Caffe loads, and libbarista_plan.so")
        jobs = str(len(os.sched_getaffinity(0)))
        configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release", "-DBARISTA_BUILD_TESTS=OFF"]
        for command in (configure, ["cmake", "--build", str(folder), "--parallel", jobs, "--target", *TARGETS]):
            status = subprocess.run(command, check=False).returncode
            if status != 0:
                sys.exit(f"{' '.join(command)} ended with status {status}; what it says above tells what is missing")


# Its name, version and requirements stand in pyproject.toml.
setup(
    # Not a Python extension; named so that setuptools builds for this platform and calls BuildPlugin.
    ext_modules=[Extension("barista.plugin_library", sources=[])],
    cmdclass={"build_ext": BuildPlugin},
    # build/ itself is CMake's.
    options={"build": {"build_base": "build/python"}},
)
