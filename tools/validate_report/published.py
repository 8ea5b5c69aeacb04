"""What Intel's compiler and Quartus wrote about a public design, read out of its report folder into plain records.

Read are `reports/lib/json/*.json` as aoc 17.1 to 20.4 and oneAPI up to 2022.1 write them, the same text inside
`reports/lib/report_data.js` where the JSON files are absent, and `acl_quartus_report.txt`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.report.constants import Area
from tools.validate_report.records import Channel, Cost, Kernel, Loop, Lsu, OnChipMemory, Placed, Registers, Report

Node = dict[str, Any]
_SECTIONS = ("area", "loops", "mav", "info")
_QUARTUS_TOTALS, _QUARTUS_KERNELS = "../acl_quartus_report.txt", "lib/json/quartus.json"

REPORT_FILES = (*(f"lib/json/{name}.json" for name in _SECTIONS), "lib/report_data.js", _QUARTUS_KERNELS, _QUARTUS_TOTALS)
"""All that is read of a report, from the folder that aoc names `reports`; a design may lack the last two."""


def read_report(folder: Path) -> Report:
    """Reads the report in `folder`, which holds `lib/json/` or `lib/report_data.js` (the folder that aoc names `reports`).

    `acl_quartus_report.txt` is looked for beside `folder`. Raises BaristaError where a part is missing or not understood.
    """
    sections = _sections(folder)
    area, info = sections["area"], _info(sections.get("info", {}))
    names = tuple(node["name"] for node in area["children"] if node.get("type") == "function")
    ndrange = _ndrange_kernels(sections["loops"])
    costs = tuple(_costs(area))
    memories = tuple(_memories(area))
    return Report(
        **info,
        kernels=tuple(_kernel(node, ndrange) for node in area["children"] if node.get("type") == "function"),
        lsus=tuple(_lsus(sections["mav"], costs, {(m.kernel, m.name) for m in memories})),
        memories=memories,
        registers=tuple(_registers(area)),
        channels=tuple(_channels(area)),
        loops=tuple(_loops(sections["loops"], ndrange)),
        costs=costs,
        board_interface=_named_area(area, "Board interface"),
        interconnect=_named_area(area, "Global interconnect"),
        system=_area(area["total"]),
        device=_area(area["max_resources"]),
        placed=_placed(folder / _QUARTUS_TOTALS),
        placed_kernels=_placed_kernels(folder / _QUARTUS_KERNELS, names),
    )


def _sections(folder: Path) -> dict[str, Node]:
    """The parts of a report by name (`area`, `loops`, `mav`, `info`)."""
    found: dict[str, Node] = {}
    script = folder / "lib" / "report_data.js"
    for name in _SECTIONS:
        file = folder / "lib" / "json" / f"{name}.json"
        text = file.read_text(errors="replace") if file.is_file() else ""
        if not text and script.is_file():
            text = _from_script(script.read_text(errors="replace"), name)
        if text:
            try:
                found[name] = json.loads(text, strict=False)
            except json.JSONDecodeError as error:
                raise BaristaError(f"report {folder}: {name} is not JSON ({error}); fetch the design anew") from error
    for name in ("area", "loops", "mav"):
        if name not in found:
            raise BaristaError(
                f"report {folder}: {name}.json is missing; it wants aoc's folder 'reports', of version 17.1 or later"
            )
    if "children" not in found["area"]:
        raise BaristaError(f"report {folder}: area.json has no 'children', as before aoc 17.0; such reports cannot be read")
    return found


def _from_script(text: str, name: str) -> str:
    """The JSON that `report_data.js` assigns to `{name}JSON`, as an object or (from 18.0 on) as a quoted string; else ''."""
    start = re.search(rf"var {name}JSON\s*=\s*", text)
    if not start:
        return ""
    rest = text[start.end() :]
    if rest[0] in "'\"":
        quoted = re.match(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", rest, re.DOTALL)
        return re.sub(r"\\(['\\])", r"\1", quoted.group(1) or quoted.group(2)) if quoted else ""
    return rest[: json.JSONDecoder(strict=False).raw_decode(rest)[1]]


def _info(info: Node) -> dict[str, str]:
    """Family, board, version and command; aoc 20 writes them as a node of `compileInfo`, older ones as rows."""
    for node in info.get("compileInfo", {}).get("nodes", []):
        target = [part.strip() for part in node["family"].split(",")]
        return {"family": target[0], "board": target[-1], "aoc": node["version"], "command": node.get("command", "")}
    rows = {row["name"]: row["data"][0] for row in info.get("rows", [])}
    target = [part.strip() for part in rows.get("Target Family, Device, Board", ",,").split(",")]
    return {"family": target[0], "board": target[-1], "aoc": rows.get("AOC Version", ""), "command": rows.get("Command", "")}


def _area(numbers: list[float]) -> Area:
    """Numbers as a row has them: ALUTs, FFs, RAMs, DSPs and, from 18.1 on, MLABs."""
    aluts, ffs, m20k, dsp, mlabs = (float(number) for number in [*numbers, 0][:5])
    return Area(aluts, ffs, m20k, mlabs, dsp)


def _named_area(root: Node, name: str) -> Area:
    return next((_area(node["data"]) for node, _ in _walk(root) if node["name"] == name), Area())


def _walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """A node and all below it, each with those above it, outermost first."""
    yield node, above
    for child in node.get("children", []):
        yield from _walk(child, (*above, node))


def _kernel(node: Node, ndrange: set[str]) -> Kernel:
    return Kernel(node["name"], _area(node["total_kernel_resources"]), node["name"] not in ndrange)


def _kernel_of(above: tuple[Node, ...]) -> str:
    return next((str(node["name"]) for node in above if node.get("type") == "function"), "")


def _line(node: Node) -> int:
    """The innermost source line that a node names, 0 without one."""
    for place in node.get("debug", []):
        for frame in place:
            if frame.get("line"):
                return int(frame["line"])
    return 0


def _texts(details: Any) -> list[str]:
    """Every sentence in a node's details, in order, those of tables included."""
    if isinstance(details, str):
        return [details]
    if isinstance(details, list):
        return [text for entry in details for text in _texts(entry)]
    if not isinstance(details, dict):
        return []
    own = [details["text"]] if "text" in details and details.get("type") != "brief" else []
    inner = [details.get("details"), details.get("Additional information")]
    return own + [text for part in inner for text in _texts(part)]


def _brief(node: Node) -> str:
    return next((d["text"] for d in node.get("details", []) if isinstance(d, dict) and d.get("type") == "brief"), "")


def _table(node: Node) -> Node:
    details = node.get("details")
    tables = details if isinstance(details, list) else [details]
    return next((d for d in tables if isinstance(d, dict) and d.get("type") in ("table", None)), {})


def _count_of(text: str) -> int:
    """The first whole number in a text, 1 without one ("4 (banked on bits 2, 3)" is 4)."""
    number = re.search(r"\d+", text)
    return int(number.group()) if number else 1


def _memories(area: Node) -> Iterator[OnChipMemory]:
    for node, above in _walk(area):
        table = _table(node)
        if "Number of banks" not in table or "Requested size" not in table:
            continue
        told = " ".join(_texts(node.get("details")))
        reads, writes = re.search(r"(\d+) reads?\b", told), re.search(r"(\d+) writes?\b", told)
        replication, copies = _replication(table, told)
        named = re.search(r"\((\S+)\)\s*$", str(node["name"]))
        yield OnChipMemory(
            kernel=_kernel_of(above),
            name=named.group(1) if named else str(node["name"]),
            line=_line(node),
            bytes=_count_of(str(table["Requested size"])),
            banks=_count_of(str(table["Number of banks"])),
            bits=_count_of(str(table["Bank width"])),
            depth=_count_of(str(table["Bank depth"])),
            replication=replication,
            copies=copies,
            reads=int(reads.group(1)) if reads else 0,
            writes=int(writes.group(1)) if writes else 0,
            area=_area(node["data"]),
            pumped="2x" in str(table.get("Clock", "")),
            stall_free="stallable" not in told,
        )


def _replication(table: Node, told: str) -> tuple[int, int]:
    """Replicas for ports and private copies. aoc 20 counts them apart; before, one total and sentences say what it is made of."""
    if "Number of replicates" in table:
        return _count_of(str(table["Number of replicates"])), _count_of(str(table.get("Number of private copies", "1")))
    total = _count_of(str(table.get("Total replication", "1")))
    private = re.search(
        r"(\d+) independent copies|Replicated (\d+) times to (?:create private|efficiently support multiple sim)", told
    )
    copies = int(private.group(1) or private.group(2)) if private else 1
    return total // copies, copies


def _registers(area: Node) -> Iterator[Registers]:
    for node, above in _walk(area):
        if not re.match(r"(Coalesced )?Private Variables?:", str(node["name"])) or "data" not in node:
            continue
        told = _texts(node.get("details"))
        shape = [re.match(r"(\d+) registers? of width (\d+)(?: and depth (\d+))?", text) for text in told]
        yield Registers(
            kernel=_kernel_of(above),
            names=tuple(re.findall(r"'([^']+)'", str(node["name"]))),
            line=_line(node),
            shift_register=any("Shift Register" in text for text in told),
            shape=tuple((int(m.group(1)), int(m.group(2)), int(m.group(3) or 1)) for m in shape if m),
            area=_area(node["data"]),
        )


def _channels(area: Node) -> Iterator[Channel]:
    for node, _ in _walk(area):
        size = re.search(r"Channel is implemented (\d+) bits? wide by (\d+) deep", " ".join(_texts(node.get("details"))))
        if size and "data" in node:
            named = re.search(r"\((\S+)\)\s*$", str(node["name"]))
            name = named.group(1) if named else str(node["name"])
            yield Channel(name, _line(node), int(size.group(1)), int(size.group(2)), _area(node["data"]))


_CONTROL = ("State", "Feedback", "Cluster logic", "Function overhead")


def _costs(area: Node) -> Iterator[Cost]:
    for node, above in _walk(area):
        kernel, what = _kernel_of(above), str(node["name"])
        under_control = any(parent["name"] in _CONTROL for parent in above)
        if not kernel or "data" not in node or under_control or not ("count" in node or what in _CONTROL):
            continue
        block = next((str(n["name"]) for n in above if n.get("type") == "basicblock"), "")
        kinds = dict.fromkeys(kind for text in _texts(node.get("details")) for kind in _lsu_kinds(text))
        line = next((found for found in map(_line, (node, *reversed(above[2:]))) if found), 0)
        yield Cost(kernel, block, line, what, " / ".join(kinds), int(node.get("count", 1)), _area(node["data"]))


def _lsu_kinds(text: str) -> list[str]:
    return [kind.lower() for kind in re.findall(r"(?:Load|Store) uses an? (.+?) LSU", text)]


def _lsus(mav: Node, costs: tuple[Cost, ...], on_chip: set[tuple[str, str]]) -> Iterator[Lsu]:
    """Units and widths are the memory viewer's; the kind is the area report's, which tells cached from uncached in 17.1 too."""
    kinds: dict[tuple[str, int, str], set[str]] = {}
    for cost in costs:
        if cost.kind:
            kinds.setdefault((cost.kernel, cost.line, cost.what), set()).update(cost.kind.split(" / "))
    for kernel in mav["nodes"]:
        if kernel.get("type") != "kernel":
            continue
        for node, _ in _walk(kernel):
            table = _table(node)
            what = str(node["name"])
            if what not in ("Load", "Store") or "Width" not in table:
                continue
            seen = str(table["Type"]).lower()
            if "pipelined" in seen and any((kernel["name"], named) in on_chip for named in _named_memories(table)):
                continue
            told = kinds.get((str(kernel["name"]), _line(node), what), set())
            yield Lsu(str(kernel["name"]), _line(node), what == "Store", _closest_kind(seen, told), _count_of(table["Width"]) // 8)


def _named_memories(table: Node) -> list[str]:
    return [part.strip() for part in str(table.get("Loads from") or table.get("Stores to") or "").split(",")]


def _closest_kind(seen: str, told: set[str]) -> str:
    """The area report's kind for a unit that the memory viewer calls `seen` ("burst-non-aligned" in 17.1)."""
    ragged = "non-aligned" in seen
    fitting = [kind for kind in sorted(told) if ("non-aligned" in kind) == ragged and kind.split("-")[0] == seen.split("-")[0]]
    return fitting[0] if len(fitting) == 1 else seen.replace("burst-non-aligned", "burst-coalesced non-aligned")


def _ndrange_kernels(loops: Node) -> set[str]:
    kernels = [node for node in loops["children"] if str(node["name"]).startswith("Kernel: ")]
    return {str(node["name"]).removeprefix("Kernel: ") for node in kernels if "ND-Range" in " ".join(_texts(node.get("details")))}


def _loops(loops: Node, ndrange: set[str]) -> Iterator[Loop]:
    for kernel in loops["children"]:
        name = str(kernel["name"]).removeprefix("Kernel: ")
        for node, above in _walk(kernel):
            if not above or re.search("ully unrolled|oalesced loop", str(node["name"])):
                continue
            pipelined, interval = node["data"][0] == "Yes" and name not in ndrange, str(node["data"][1])
            partly = re.match(r"(\d+)X Partially unrolled", str(node["name"]))
            brief = _brief(node).strip()
            yield Loop(
                kernel=name,
                line=_line(node),
                ii=_count_of(interval) if pipelined else None,
                pipelined=pipelined,
                serial="Serial exe" in brief,
                unroll=int(partly.group(1)) if partly else 1,
                reason=_reason(node),
            )


def _reason(node: Node) -> str:
    """The sentences that say what holds a loop up, without those that every loop has and what is listed under them."""
    usual = ("See %L", "II is an approximation", "Hyper-Optimized", "Stallable instruction", "Maximum concurrent", "Use the %L")
    own = [d for d in node.get("details", []) if isinstance(d, dict) and not str(d.get("text", "")).startswith(usual)]
    return " ".join(_texts(own)).strip()


def _placed(file: Path) -> Placed | None:
    if not file.is_file():
        return None
    rows = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)

    def number(name: str) -> float:
        return float(rows[name].split("/")[0].replace(",", ""))

    try:
        return Placed(
            number("Logic utilization"),
            int(number("Registers")),
            int(number("RAM blocks")),
            number("DSP blocks"),
            number("Kernel fmax"),
        )
    except (KeyError, ValueError) as error:
        raise BaristaError(f"Quartus report {file}: row {error} is missing or no number; fetch the design anew") from error


def _placed_kernels(file: Path, names: tuple[str, ...]) -> dict[str, Placed]:
    """What Quartus placed for each kernel. aoc 19 writes a file that is no JSON: `"data":["ALMs": 79879.4 ,"FFs": …`."""
    if not file.is_file():
        return {}
    found = {}
    text = file.read_text(errors="replace")
    for name in names:
        row = re.search(rf'"name"\s*:\s*"{re.escape(name)}"[^\]}}]*', text)
        numbers = (
            {key.lower().rstrip("s"): value for key, value in re.findall(r'"(\w+)"\s*:\s*"?([\d.,]+)', row.group())} if row else {}
        )
        if "alm" in numbers:
            numbers["ff"] = numbers.get("ff", numbers.get("reg", "0"))
            alm, ff, ram, dsp = (float(numbers[key].replace(",", "")) for key in ("alm", "ff", "ram", "dsp"))
            found[name] = Placed(alm, int(ff), int(ram), dsp)
    return found


def read_sources(folder: Path) -> dict[str, str]:
    """The text that was compiled, by path as the compiler names it, the headers that it includes among them.

    aoc copies it into `report_data.js`, so that it is the report's source whatever the repository holds beside it.
    """
    script = folder / "lib" / "report_data.js"
    if not script.is_file():
        raise BaristaError(f"report {folder}: report_data.js, which holds the compiled text, is missing; fetch the design anew")
    files = re.search(r"var fileJSON\s*=\s*(\[.*?\]);?\s*(?:\n|$)", script.read_text(errors="replace"), re.DOTALL)
    listed = re.sub(r"\\([0-7]{3})", _octal, files.group(1)) if files else "[]"
    return {entry["path"]: entry["content"] for entry in json.loads(listed.replace("\\'", "'"), strict=False)}


def _octal(escape: re.Match[str]) -> str:
    """A character that JavaScript writes in octal, as JSON writes it ("\\\\012" is a line's end)."""
    return f"\\u{int(escape.group(1), 8):04x}"
