"""The rules of the house, held by reading the sources: who may call whom, one name an operation, nothing of one machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from barista.cli import main

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "caffe_layers"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# For each folder of caffe_layers/, the others that it may include.
MAY_INCLUDE = {
    "plan": set(),
    "device": {"plan"},
    "memory": {"device", "plan"},
    "ops": {"device", "plan"},
    "layers": {"memory", "ops", "device", "plan"},
    "solvers": {"layers", "memory", "ops", "device", "plan"},
    "training": {"layers", "memory", "ops", "device", "plan"},
    "capi": {"training", "layers", "memory", "ops", "device", "plan"},
}
MAY_INCLUDE_CAFFE = {"memory", "layers", "solvers", "training", "capi"}
KERNELS = ROOT / "opencl_kernels"


def includes(folder: str) -> list[tuple[str, str]]:
    """Each (file, header that it includes) of a folder in caffe_layers/."""
    sources = [path for path in sorted((LAYERS / folder).rglob("*")) if path.suffix in (".cpp", ".hpp")]
    return [(path.name, header) for path in sources for header in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def imports(path: Path) -> set[str]:
    """The top-level packages that a module imports anywhere in it, and barista's modules by their full name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            names |= {
                argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            }
    return names | {name.split(".")[0] for name in names}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_every_folder_of_the_plugin_has_its_rule() -> None:
    assert {path.name for path in LAYERS.iterdir() if path.is_dir()} == set(MAY_INCLUDE)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_folder_includes_only_what_lies_below_it(folder: str) -> None:
    ours = [(name, header) for name, header in includes(folder) if "/" in header and header.split("/")[0] in MAY_INCLUDE]
    allowed = MAY_INCLUDE[folder] | {folder}
    assert [(name, header) for name, header in ours if header.split("/")[0] not in allowed] == []


@pytest.mark.parametrize("folder", sorted(set(MAY_INCLUDE) - MAY_INCLUDE_CAFFE))
def test_device_and_ops_know_nothing_of_caffe(folder: str) -> None:
    assert [(name, header) for name, header in includes(folder) if header.startswith(("caffe/", "glog/", "boost/"))] == []


@pytest.mark.parametrize("folder", sorted(set(MAY_INCLUDE) - {"device"}))
def test_only_device_includes_opencl(folder: str) -> None:
    assert [(name, header) for name, header in includes(folder) if header.startswith("CL/")] == []


def test_only_layers_and_the_c_interface_reach_for_the_programs_of_the_process() -> None:
    """All else is handed the program that it works with."""
    reach = {path.relative_to(LAYERS) for path in LAYERS.rglob("*.[ch]pp") if "of_process()" in path.read_text(encoding="utf-8")}
    outside = {path.as_posix() for path in reach if path.parts[0] != "capi"}
    assert outside == {f"layers/{name}" for name in ("programs.hpp", "programs.cpp", "device_layer.cpp", "fpga_split_layer.cpp")}


def test_the_rules_see_the_includes_they_forbid() -> None:
    assert any(header.startswith("CL/") for _, header in includes("device"))
    assert any(header.startswith("caffe/") for _, header in includes("layers"))


def test_host_includes_of_the_kernels_what_is_in_their_interface() -> None:
    found = [(name, header) for folder in MAY_INCLUDE for name, header in includes(folder)]
    of_kernels = [(name, header) for name, header in found if (KERNELS / header).is_file() or "opencl_kernels" in header]
    assert of_kernels
    assert [(name, header) for name, header in of_kernels if not header.startswith("interface/")] == []


def test_the_interface_includes_nothing_else() -> None:
    headers = [INCLUDE.findall(path.read_text(encoding="utf-8")) for path in (KERNELS / "interface").iterdir()]
    assert {header for found in headers for header in found} == {"interface/words.h"}


def test_the_c_interface_is_plain_c() -> None:
    command = ["cc", "-std=c99", "-pedantic-errors", "-Wall", "-Werror", "-x", "c", "-fsyntax-only", f"{LAYERS}/capi/barista.h"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_plugin_never_compiles_kernels() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in LAYERS.rglob("*.[ch]pp"))
    assert "clCreateProgramWithBinary" in text
    assert "clCreateProgramWithSource" not in text


@pytest.mark.parametrize(("package", "owner"), [("caffe", "runtime/plugin.py"), ("pyopencl", "opencl/devices.py")])
def test_one_module_imports(package: str, owner: str) -> None:
    assert [path.relative_to(ROOT / "barista").as_posix() for path in modules("barista") if package in imports(path)] == [owner]


# views.py is run by itself too, and blas.py calls OpenBLAS.
CALL_C = {"runtime/library.py", "runtime/views.py", "runtime/blas.py"}


def test_what_imports_ctypes_is_known() -> None:
    assert {path.relative_to(ROOT / "barista").as_posix() for path in modules("barista") if "ctypes" in imports(path)} == CALL_C


# The doctor asks the dynamic linker, and a board's toolchain is a program of its vendor's.
START_PROGRAMS = {"runtime/process.py", "doctor.py", "bitstream/toolchains/aoc.py", "report/clang.py"}


def test_what_starts_processes_is_known() -> None:
    found = {path.relative_to(ROOT / "barista").as_posix() for path in modules("barista") if "subprocess" in imports(path)}
    assert found == START_PROGRAMS


def test_nothing_imports_the_command_line() -> None:
    below = [path for path in modules("barista") if "cli" not in path.relative_to(ROOT).parts and path.name != "__main__.py"]
    assert [path.name for path in below if any(name.startswith("barista.cli") for name in imports(path))] == []


def test_what_opens_nets_knows_nothing_of_where_they_run() -> None:
    above = tuple(f"barista.{package}" for package in ("rewrite", "bitstream", "opencl", "train", "check", "profile", "plan"))
    assert [path.name for path in modules("barista/net") if any(name.startswith(above) for name in imports(path))] == []


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_command_is_defined_and_opens_with_its_help(command: str) -> None:
    defined = main.get_command(click.Context(main), command)
    assert defined is not None
    assert defined.help
    assert ast.get_docstring(ast.parse((ROOT / "barista" / "cli" / f"{command}.py").read_text(encoding="utf-8")))


def test_an_option_of_several_commands_has_one_help_text() -> None:
    """But for what the device is for, and what the JSON holds."""
    texts: dict[str, set[str]] = {}
    for command in main.list_commands(click.Context(main)):
        for option in getattr(main.get_command(click.Context(main), command), "params", []):
            if isinstance(option, click.Option) and option.name in ("device", "bitstream", "shapes", "as_json"):
                texts.setdefault(option.name, set()).add(re.sub(r"device to [^:]+:|object, with .*", "", option.help or ""))
    assert {name: len(found - {"Print one JSON ", "Print one JSON object."}) for name, found in texts.items()} == {
        "device": 1,
        "bitstream": 1,
        "shapes": 1,
        "as_json": 0,
    }


@pytest.mark.parametrize("layer", sorted(LAYERS.glob("layers/fpga_*_layer.cpp")), ids=lambda path: path.stem)
def test_operation_has_one_name_everywhere(layer: Path) -> None:
    operation = layer.stem.removeprefix("fpga_").removesuffix("_layer")
    wanted = [f"layers/fpga_{operation}_layer.hpp", f"ops/{operation}.cpp", f"ops/{operation}.hpp"]
    assert [name for name in wanted if not (LAYERS / name).is_file()] == []
    assert (ROOT / "tests" / "cpp" / f"test_{operation}.cpp").is_file()


def test_set_up_needs_the_standard_library_alone() -> None:
    """It runs before anything is installed."""
    allowed = {"tools", "barista"}
    for path in [*modules("tools/set_up"), ROOT / "barista" / "paths.py", ROOT / "barista" / "errors.py"]:
        packages = {name.split(".")[0] for name in imports(path)}
        assert packages - allowed <= sys.stdlib_module_names, path.name
        barista_modules = {name for name in imports(path) if name.startswith("barista.") and name.count(".") == 1}
        assert barista_modules <= {"barista.paths", "barista.errors"}, path.name


# Written apart, so that this file does not hold what it looks for.
FOREIGN = {
    "a folder of one machine": r"/(root|work|home/\w+|tmp/[a-z]+[0-9]*)/",
    "the host of a mirror": r"\b(deb|security|ftp|snapshot)\." + r"debian\.org",
    "the host of a registry": r"\b(files\.python" + r"hosted|pypi\.(python\.)?" + r"org|test\.py" + r"pi)\b",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FOREIGN[what])
    found = []
    for path in tracked_files():
        if path == Path(__file__) or path.suffix == ".png":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_requirements_are_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in asked if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_nothing_built_is_tracked() -> None:
    built = {".aocx", ".so", ".o", ".caffemodel", ".solverstate", ".mdb", ".pyc"}
    assert [path.name for path in tracked_files() if path.suffix in built] == []
