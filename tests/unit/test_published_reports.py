"""The reports of public designs are read as they were meant, and git brings them to the cache."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barista.errors import BaristaError
from barista.report.constants import Area
from tools.validate_report import designs
from tools.validate_report.published import REPORT_FILES, read_report, read_sources
from tools.validate_report.records import Channel, Cost, Kernel, Loop, Lsu, OnChipMemory, Placed, Registers

Node = dict[str, Any]
Writer = Callable[..., Path]


def at(line: int) -> list[list[Node]]:
    return [[{"filename": "k.cl", "line": line}]]


def says(*sentences: str) -> list[Node]:
    return [{"type": "text", "text": sentence} for sentence in sentences]


def row(name: str, line: int, data: list[float], *sentences: str, count: int = 1) -> Node:
    """A source line of the area report with one operator or unit on it."""
    own = {"name": name, "type": "resource", "count": count, "data": data, "details": says(*sentences)}
    return {"name": f"k.cl:{line}", "type": "resource", "data": data, "debug": at(line), "children": [own]}


def kernel(name: str, *resources: Node, computation: tuple[Node, ...] = (), control: tuple[Node, ...] = ()) -> Node:
    inside = {"name": "Computation", "type": "resource", "children": list(computation)}
    block = {"name": f"{name}.B1", "type": "basicblock", "children": [*control, inside]}
    return {"name": name, "type": "function", "total_kernel_resources": [10, 20, 3, 4], "children": [*resources, block]}


def memory(name: str, line: int, data: list[float], told: str, **table: str) -> Node:
    geometry = {"Requested size": "1024 bytes", "Number of banks": "1", "Bank width": "64 bits", "Bank depth": "128 words"}
    known = geometry | {key.replace("_", " "): value for key, value in table.items()}
    details = [{"type": "table", "Additional information": says(told), **known}]
    return {"name": f"k.cl:{line} ({name})", "type": "resource", "data": data, "debug": at(line), "details": details}


def unit(what: str, line: int, kind: str, bits: int, **table: str) -> Node:
    named = {key.replace("_", " "): value for key, value in table.items()}
    details = [{"type": "table", "Width": f"{bits} bits", "Type": kind, **named}]
    return {"type": "inst", "name": what, "debug": at(line), "details": details}


def loop(
    name: str, line: int, pipelined: str, interval: str, *sentences: str, brief: str = "", inside: tuple[Node, ...] = ()
) -> Node:
    details = [*says(*sentences), {"type": "brief", "text": brief}]
    return {"name": name, "data": [pipelined, interval, "n/a"], "debug": at(line), "details": details, "children": list(inside)}


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Writes the parts of a report and says where it lies."""

    def parts(
        kernels: tuple[Node, ...] = (),
        system: tuple[Node, ...] = (),
        units: tuple[Node, ...] = (),
        loops: tuple[Node, ...] = (),
        ndrange: tuple[str, ...] = (),
    ) -> Path:
        area = {
            "name": "Kernel System",
            "type": "module",
            "total": [1000, 2000, 30, 4],
            "max_resources": [854400, 1708800, 2713, 1518],
            "children": [*system, *kernels],
        }
        blocks = [{"type": "bb", "name": "k.B1", "children": list(units)}]
        mode = {False: "Single work-item execution", True: "ND-Range"}
        nests = [
            {
                "name": f"Kernel: {node['name']}",
                "data": ["", "", ""],
                "details": says(mode[node["name"] in ndrange]),
                "children": list(loops) if node["name"] == "k" else [],
            }
            for node in kernels
        ]
        values = {
            "area": area,
            "mav": {"nodes": [{"type": "kernel", "name": "k", "children": blocks}]},
            "loops": {"columns": [], "children": nests},
            "info": {
                "name": "Info",
                "rows": [
                    {"name": "Target Family, Device, Board", "data": ["Arria 10, 10AX115, pac:pac_a10"]},
                    {"name": "AOC Version", "data": ["19.4.0 Build 64"]},
                    {"name": "Command", "data": ["aoc -fpc k.cl"]},
                ],
            },
        }
        folder = tmp_path / "design" / "reports"
        (folder / "lib" / "json").mkdir(parents=True)
        for name, value in values.items():
            (folder / "lib" / "json" / f"{name}.json").write_text(json.dumps(value))
        return folder

    return parts


def test_a_units_kind_is_the_area_reports_and_its_width_the_viewers(write: Writer) -> None:
    rows = (
        row("Load", 5, [684, 2470, 15, 0], "Load uses a Burst-coalesced cached LSU. Load with a private 512 kilobit cache."),
        row("Store", 6, [340, 24, 0, 0], "Store uses a Burst-coalesced write-ack non-aligned LSU. Use the profiler."),
        row("Load", 7, [42, 73, 0, 0], "Load uses a Local-pipelined never-stall LSU"),
    )
    held = memory("tile", 3, [0, 0, 2, 0], "1 read and 1 write.")
    units = (
        unit("Load", 5, "Burst-coalesced", 512),
        unit("Store", 6, "Burst-non-aligned", 64),
        unit("Load", 7, "Pipelined", 64, Loads_from="tile"),
        unit("Load", 8, "Prefetching", 32, Loads_from="weights"),
        unit("Load", 9, "Pipelined", 32, Loads_from="weights"),
    )
    report = read_report(write((kernel("k", held, computation=rows),), units=units))
    assert report.lsus == (
        Lsu("k", 5, False, "burst-coalesced cached", 64),
        Lsu("k", 6, True, "burst-coalesced write-ack non-aligned", 8),
        Lsu("k", 8, False, "prefetching", 4),
        Lsu("k", 9, False, "pipelined", 4),
    )


def test_two_kinds_on_one_line_are_told_apart(write: Writer) -> None:
    sentences = ("Load uses a Burst-coalesced cached LSU. It is", "Load uses a Burst-coalesced non-aligned LSU. It is")
    rows = (row("Load", 5, [9, 9, 9, 0], *sentences, count=2),)
    units = (unit("Load", 5, "Burst-non-aligned", 256), unit("Load", 5, "Burst-coalesced", 256))
    report = read_report(write((kernel("k", computation=rows),), units=units))
    assert [lsu.kind for lsu in report.lsus] == ["burst-coalesced non-aligned", "burst-coalesced cached"]


MEMORIES = {
    "banked": (
        memory(
            "m",
            3,
            [0, 0, 520, 0],
            "10 reads and 10 writes.",
            Number_of_banks="16 (banked on bits 6, 7, 8, 9)",
            Total_replication="1",
        ),
        OnChipMemory("k", "m", 3, 1024, 16, 64, 128, 1, 1, 10, 10, Area(m20k=520.0), pumped=False, stall_free=True),
    ),
    "private copies, before 20": (
        memory(
            "m", 3, [0, 0, 13, 0], "1 read and 1 write. 4 independent copies of this memory were created", Total_replication="4"
        ),
        OnChipMemory("k", "m", 3, 1024, 1, 64, 128, 1, 4, 1, 1, Area(m20k=13.0), pumped=False, stall_free=True),
    ),
    "replicas, before 20": (
        memory(
            "m",
            3,
            [0, 0, 12, 0],
            "3 reads and 1 write. Replicated 3 times to efficiently support multiple accesses.",
            Total_replication="3",
        ),
        OnChipMemory("k", "m", 3, 1024, 1, 64, 128, 3, 1, 3, 1, Area(m20k=12.0), pumped=False, stall_free=True),
    ),
    "both, from 20 on; arbitrated at twice the clock": (
        memory(
            "m",
            3,
            [132, 1024, 28, 0, 2],
            "<b>stallable</b>, 7 reads and 1 write.",
            Number_of_replicates="7",
            Number_of_private_copies="8",
            Clock="Running memory at 2x clock",
        ),
        OnChipMemory("k", "m", 3, 1024, 1, 64, 128, 7, 8, 7, 1, Area(132, 1024, m20k=28, mlabs=2), pumped=True, stall_free=False),
    ),
}


@pytest.mark.parametrize("name", MEMORIES)
def test_a_memory_has_its_geometry_and_ports(write: Writer, name: str) -> None:
    node, expected = MEMORIES[name]
    assert read_report(write((kernel("k", node),))).memories == (expected,)


def test_loops_say_what_holds_them_up(write: Writer) -> None:
    stallable = {
        "type": "text",
        "text": "II is an approximation due to the following stallable instruction:",
        "details": says("Channel Read Operation (%L)"),
    }
    inner = loop("4X Partially unrolled k.B3", 12, "Yes", "~5", "Compiler failed to schedule this loop with smaller II.")
    inner["details"].append(stallable)
    gone = loop("Fully unrolled loop", 13, "n/a", "n/a", "Unrolled by #pragma unroll")
    serial = loop("k.B2", 11, "Yes", ">=1", "Executed serially.", brief="Serial exe: Memory dependency", inside=(inner, gone))
    refused = loop("k.B4", 14, "No", "n/a", "Loop not pipelined.")
    report = read_report(write((kernel("k"),), loops=(serial, refused)))
    assert report.loops == (
        Loop("k", 11, 1, True, serial=True, unroll=1, reason="Executed serially."),
        Loop("k", 12, 5, True, serial=False, unroll=4, reason="Compiler failed to schedule this loop with smaller II."),
        Loop("k", 14, None, False, serial=False, unroll=1, reason="Loop not pipelined."),
    )


def test_an_ndrange_kernels_loops_have_no_interval(write: Writer) -> None:
    report = read_report(write((kernel("k"), kernel("l")), loops=(loop("k.B1", 4, "Yes", "52628672"),), ndrange=("k",)))
    assert [(own.ii, own.pipelined) for own in report.loops] == [(None, False)]
    assert report.kernels == (Kernel("k", Area(10, 20, m20k=3, dsp=4), False), Kernel("l", Area(10, 20, m20k=3, dsp=4), True))


def test_registers_and_channels_have_their_shape(write: Writer) -> None:
    shift = {
        "name": "Coalesced Private Variables: \n - 'taps' (k.cl:9)\n - 'next' (k.cl:11)",
        "type": "resource",
        "data": [0, 0, 160, 0],
        "debug": [*at(9), *at(11)],
        "details": says("Type: Shift Register (80 or fewer tap points)", "80 registers of width 32 and depth 1024"),
    }
    channel = {
        "name": "k.cl:2 (pixels)",
        "type": "resource",
        "data": [11, 1542, 13, 0],
        "debug": at(2),
        "details": says("Channel is implemented 512 bits wide by 256 deep."),
    }
    report = read_report(
        write((kernel("k", shift),), system=({"name": "Pipe and channel resources", "type": "group", "children": [channel]},))
    )
    assert report.registers == (Registers("k", ("taps", "next"), 9, True, ((80, 32, 1024),), Area(m20k=160.0)),)
    assert report.channels == (Channel("pixels", 2, 512, 256, Area(11, 1542, m20k=13)),)


def test_each_cost_is_counted_once(write: Writer) -> None:
    state = {"name": "State", "type": "resource", "data": [8, 114, 0, 0], "children": [row("No Source Line", 3, [8, 114, 0, 0])]}
    overhead = {"name": "Function overhead", "type": "resource", "data": [1338, 2411, 0, 0, 10]}
    add = row("32-bit Integer Add", 7, [64, 0, 0, 0], count=2)
    report = read_report(write((kernel("k", overhead, computation=(add,), control=(state,)),)))
    assert report.costs == (
        Cost("k", "", 0, "Function overhead", "", 1, Area(1338, 2411, mlabs=10)),
        Cost("k", "k.B1", 0, "State", "", 1, Area(8, 114)),
        Cost("k", "k.B1", 7, "32-bit Integer Add", "", 2, Area(64)),
    )


def test_the_system_is_read(write: Writer) -> None:
    static = {"name": "Board interface", "type": "resource", "data": [134500, 172452, 397, 0]}
    partition = {"name": "Static Partition", "type": "partition", "children": [static]}
    interconnect = {"name": "Global interconnect", "type": "resource", "data": [8779, 12545, 78, 0]}
    report = read_report(write((kernel("k"),), system=(partition, interconnect)))
    assert (report.family, report.board, report.aoc, report.command) == (
        "Arria 10",
        "pac:pac_a10",
        "19.4.0 Build 64",
        "aoc -fpc k.cl",
    )
    assert (report.board_interface.m20k, report.interconnect.aluts, report.system.ffs, report.device.dsp) == (397, 8779, 2000, 1518)
    assert (report.placed, report.placed_kernels) == (None, {})


def test_aoc_20_says_elsewhere_what_it_compiled_for(write: Writer) -> None:
    folder = write((kernel("k"),))
    node = {"family": "Stratix 10, 1SG280, s10:gx", "version": "20.4.0 Build 72", "command": "aoc k.cl"}
    (folder / "lib" / "json" / "info.json").write_text(json.dumps({"compileInfo": {"nodes": [node]}}))
    report = read_report(folder)
    assert (report.family, report.board, report.aoc) == ("Stratix 10", "s10:gx", "20.4.0 Build 72")


QUARTUS = """ALUTs: 151924
Registers: 528,336
Logic utilization: 207,854 / 427,200 ( 49 % )
DSP blocks: 1,305 / 1,518 ( 86 % )
RAM blocks: 2,075 / 2,713 ( 76 % )
Kernel fmax: 244.85
"""
KERNELS_IN_QUARTUS = {
    "19": '{"children":[{"name":"Full design","data":["ALMs": 9.5 ,"FFs": 8 ,"RAMs": 7 ,"DSPs": 6]}\n,'
    '{"name":"k","data":["ALMs": 79879.4 ,"FFs": 263161 ,"RAMs": 346 ,"DSPs": 1280 ,"MLABs": 576]}]}',
    "20": '{"nodes":[{"name":"system","alm":"9.5","reg":"8","ram":"7","dsp":"6"},'
    '{"name" : "k", "alm" : "79879.4", "reg" : "263161", "dsp" : "1280", "ram" : "346", "mlab" : "576"}]}',
}


@pytest.mark.parametrize("version", KERNELS_IN_QUARTUS)
def test_what_quartus_placed_is_kept_apart(write: Writer, version: str) -> None:
    folder = write((kernel("k"), kernel("kk")))
    (folder.parent / "acl_quartus_report.txt").write_text(QUARTUS)
    (folder / "lib" / "json" / "quartus.json").write_text(KERNELS_IN_QUARTUS[version])
    report = read_report(folder)
    assert report.placed == Placed(207854, 528336, 2075, 1305, 244.85)
    assert report.placed_kernels == {"k": Placed(79879.4, 263161, 346, 1280)}


def test_a_quartus_report_without_a_row_is_refused(write: Writer) -> None:
    folder = write((kernel("k"),))
    (folder.parent / "acl_quartus_report.txt").write_text(QUARTUS.replace("RAM blocks", "M9K blocks"))
    with pytest.raises(BaristaError, match=r"row 'RAM blocks' is missing or no number; fetch the design anew"):
        read_report(folder)


@pytest.mark.parametrize("quote", ["", "'"])
def test_a_report_without_json_files_is_read_from_its_script(write: Writer, quote: str) -> None:
    folder = write((kernel("k", computation=(row("'expf' Function Call", 5, [576, 497, 4, 9]),)),))
    assigned = []
    for file in sorted((folder / "lib" / "json").iterdir()):
        text = file.read_text().replace("'", "\\'") if quote else file.read_text()
        assigned.append(f"var {file.stem}JSON={quote}{text}{quote};")
        file.unlink()
    (folder / "lib" / "report_data.js").write_text("\n".join(assigned))
    report = read_report(folder)
    assert [(cost.what, cost.area.dsp) for cost in report.costs] == [("'expf' Function Call", 9)]
    assert report.board == "pac:pac_a10"


def test_a_report_that_cannot_be_read_says_why(write: Writer) -> None:
    folder = write((kernel("k"),))
    file = folder / "lib" / "json" / "area.json"
    file.write_text('{"name": "Kernel System", "functions": []}')
    with pytest.raises(BaristaError, match="has no 'children', as before aoc 17.0"):
        read_report(folder)
    file.write_text("{'name'")
    with pytest.raises(BaristaError, match="area is not JSON"):
        read_report(folder)
    file.unlink()
    with pytest.raises(BaristaError, match="area.json is missing"):
        read_report(folder)


def test_the_compiled_text_is_in_the_report(write: Writer) -> None:
    folder = write((kernel("k"),))
    with pytest.raises(BaristaError, match="report_data.js, which holds the compiled text, is missing"):
        read_sources(folder)
    text = r"#include \"h.h\"\012int a[2];\012// it\'s\012"
    listed = f'[{{"path":"/a/k.cl", "name":"k.cl", "content":"{text}"}}, {{"path":"/a/h.h", "content":""}}]'
    (folder / "lib" / "report_data.js").write_text(f"var infoJSON={{}};\nvar fileJSON={listed};\nvar alpha_viewer=false;\n")
    assert read_sources(folder) == {"/a/k.cl": '#include "h.h"\nint a[2];\n// it\'s\n', "/a/h.h": ""}


# ---- the catalogue ----


def test_no_figure_and_no_rule_names_a_design_that_is_held_out() -> None:
    held_out = [design for design in designs.DESIGNS if not design.fitted]
    assert held_out
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs" / "report.md").read_text()
    rules = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    named = (root / "barista" / "report" / "constants.json").read_text() + rules
    for design in held_out:
        assert not re.search(rf"\b{Path(design.kernel).stem}\b", named), design.name


def test_a_design_is_named_once_and_at_a_commit() -> None:
    for design in designs.DESIGNS:
        assert re.fullmatch(r"https://github\.com/[\w-]+/[\w-]+", design.address), design.name
        assert re.fullmatch(r"[0-9a-f]{40}", design.commit), design.name
    places = [(design.address, design.commit, design.report) for design in designs.DESIGNS]
    assert len(set(places)) == len({design.name for design in designs.DESIGNS}) == len(designs.DESIGNS)


def test_of_a_command_macros_and_arithmetic_matter() -> None:
    assert designs.compile_options("aoc -v -fpc -fp-relaxed -board=pac -DV=float8 '-DTEXT=a b' k.cl -o k") == (
        "-fpc",
        "-fp-relaxed",
        "-DV=float8",
        "-DTEXT=a b",
    )


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "uploadpack.allowFilter=true")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> designs.Design:
    """A design in a repository on this disk, to which git's own configuration turns its address; the cache is empty."""
    repository = tmp_path / "repository"
    for part in (*REPORT_FILES, "lib/json/pipeline.json"):
        file = repository / "device" / "k" / "reports" / part
        file.resolve().parent.mkdir(parents=True, exist_ok=True)
        file.resolve().write_text(part)
    (repository / "huge.bin").write_text("not wanted")
    git(tmp_path, "init", "--quiet", str(repository))
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=a")
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f'[url "file://{repository}"]\n\tinsteadOf = https://github.com/somebody/something\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("BARISTA_CACHE", str(tmp_path / "cache"))
    design = designs.Design(
        name="something-k",
        address="https://github.com/somebody/something",
        commit=git(repository, "rev-parse", "HEAD"),
        report="device/k/reports",
        kernel="device/k.cl",
        family="Arria 10",
        board="a:b",
        aoc="19.4.0",
        fitted=True,
    )
    monkeypatch.setattr(designs, "DESIGNS", (design,))
    return design


def test_git_brings_the_report_alone_and_once(published: designs.Design, tmp_path: Path) -> None:
    report = designs.fetch_report(published)
    assert report == tmp_path / "cache" / "designs" / f"something-{published.commit[:12]}" / "device" / "k" / "reports"
    assert (report / "lib" / "json" / "area.json").read_text() == "lib/json/area.json"
    assert (report.parent / "acl_quartus_report.txt").is_file()
    checkout = report.parents[2]
    assert not (checkout / "huge.bin").exists()
    assert not (report / "lib" / "json" / "pipeline.json").exists()
    (tmp_path / "gitconfig").write_text(f'[url "file://{tmp_path}/nowhere"]\n\tinsteadOf = {published.address}\n')
    assert designs.fetch_report(published) == report


def test_an_address_that_git_cannot_reach_is_one_sentence(published: designs.Design, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text(f'[url "file://{tmp_path}/nowhere"]\n\tinsteadOf = {published.address}\n')
    with pytest.raises(
        BaristaError, match=r"^design something-k: git cannot bring https://github.com/somebody/something at"
    ) as told:
        designs.fetch_report(published)
    assert "url.COPY.insteadOf https://github.com/somebody/something" in str(told.value)
    assert "\n" not in str(told.value)
    assert not any((tmp_path / "cache" / "designs").iterdir())


def test_a_clone_that_lacks_the_report_is_named(published: designs.Design, tmp_path: Path) -> None:
    (tmp_path / "cache" / "designs" / f"something-{published.commit[:12]}").mkdir(parents=True)
    with pytest.raises(BaristaError, match="device/k/reports is not in the clone; remove .* to have it fetched anew"):
        designs.fetch_report(published)
