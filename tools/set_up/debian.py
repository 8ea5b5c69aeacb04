"""Debian's build packages, and the source package of Caffe 1.0."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError

PACKAGES = (
    # to build
    "cmake g++ ninja-build pkg-config python3-dev python3-venv "
    # Caffe, and its source package
    "debian-archive-keyring dpkg-dev libboost-filesystem-dev libboost-python-dev libboost-system-dev libboost-thread-dev "
    "libgflags-dev libgoogle-glog-dev libhdf5-dev libleveldb-dev liblmdb-dev libopenblas-dev libopencv-dev libprotobuf-dev "
    "libsnappy-dev protobuf-compiler "
    # what caffe.draw runs
    "graphviz "
    # the plugin
    "libssl-dev nlohmann-json3-dev ocl-icd-opencl-dev opencl-headers "
    # the tests: two more OpenCL devices, and what reads and runs the code
    "clang-format clang-tidy libgtest-dev oclgrind pocl-opencl-icd"
).split()

# Debian 12 has no Caffe, Debian 11 has.
_CAFFE_SUITE = "bullseye"
_CAFFE_PACKAGE = "caffe=1.0.0+git20180821.99bd997-8"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def missing_packages() -> list[str]:
    """Those of PACKAGES that are not installed."""
    if shutil.which("dpkg-query") is None:
        raise SetUpError("no dpkg-query: the set-up is for Debian 12; elsewhere build with CMake and pip, see the README")
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES]
    # Fails where it knows one of the names not at all; what it prints is right all the same.
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [package for package in PACKAGES if package not in installed]


def install_packages(setting: Setting, runner: Runner) -> None:
    """Installs what is missing, as root or through sudo."""
    missing = missing_packages()
    if not missing:
        return
    # What a run that was killed left half configured would stop apt-get.
    runner.run(*_as_root(), "dpkg", "--configure", "-a")
    runner.run(*_as_root(), "apt-get", "update", "--quiet")
    options = ["--yes", "--quiet", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    runner.run(*_as_root(), "apt-get", "install", *options, *missing)


def _as_root() -> list[str]:
    # Debconf asks nothing. The variable is set behind sudo, which would drop it.
    command = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return command
    if shutil.which("sudo") is None:
        raise SetUpError(f"neither root nor sudo: have these packages installed: {' '.join(missing_packages())}")
    return ["sudo", *command]


def fetch_caffe_source(work: Path, runner: Runner) -> Path:
    """Unpacks Debian's source package of Caffe, its signature checked and its patches applied, and returns the folder.

    apt-get gets files and folders of its own inside `work`, so the machine's apt settings stay untouched and no root is needed.
    """
    failures = []
    for mirror in _mirrors(runner):
        try:
            return _fetch_from(mirror, work, runner)
        except SetUpError as error:
            failures.append(str(error))
    mend = "set CAFFE_ROOT to a Caffe 1.0 that you have"
    raise SetUpError("\n".join([*failures, f"Caffe's source is on none of this machine's {len(failures)} Debian mirrors; {mend}"]))


def _mirrors(runner: Runner) -> list[str]:
    """The Debian mirrors that this machine uses, from its own apt settings."""
    shown = runner.output("apt-get", "indextargets", "--format", "$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)")
    rows = [line.split() for line in shown.splitlines()]
    mains = [row[3] for row in rows if len(row) == 4 and row[:2] == ["Packages", "main"] and not row[2].endswith("-security")]
    return list(dict.fromkeys(mains))


def _fetch_from(mirror: str, work: Path, runner: Runner) -> Path:
    apt = work / "apt"
    unpacked = work / "unpacked"
    for folder in (apt, unpacked):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (apt / "parts", apt / "lists" / "partial", apt / "cache" / "archives" / "partial", unpacked):
        folder.mkdir(parents=True)
    sources = apt / "sources.list"
    sources.write_text(f"deb-src [signed-by={_KEYRING}] {mirror} {_CAFFE_SUITE} main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": apt / "parts",
        "Dir::State::Lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        # Apt's own download user can't enter a home folder.
        "APT::Sandbox::User": "",
        "Acquire::Retries": "3",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    runner.run("apt-get", *options, "--quiet", "update", "-o", "APT::Update::Error-Mode=any")
    runner.run("apt-get", *options, "--quiet", "source", _CAFFE_PACKAGE, cwd=unpacked)
    (source,) = (folder for folder in unpacked.iterdir() if folder.is_dir())
    return source
