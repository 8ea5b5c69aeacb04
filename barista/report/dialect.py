"""What Intel's dialect of OpenCL C adds and clang drops: pragmas of loops, attributes of memories and kernels, channels.

Read from preprocessed text, whose line markers say which file and line a token came from: clang's debug information says the same
of its instructions, so a loop is known by the line of its `for`. Channels become arrays of external memory whose index is a
function that nothing is known of, so that no pass of clang's merges two accesses; the functions' names are in PRELUDE.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from barista.bitstream.resources import evaluate

CHANNEL_SITE = "__barista_channel_site"
CHANNEL_READY = "__barista_channel_ready"
REGISTER = "__fpga_reg"
_SCALARS = ("float", "int", "uint", "char", "uchar", "short", "ushort", "long", "ulong")
_WIDTHS = (2, 4, 8, 16)


def _vector_access(kind: str, width: int, space: str) -> str:
    """vloadN and vstoreN as the accesses that they are: clang knows them in OpenCL 3.0 for generic addresses alone."""
    vector, head = f"{kind}{width}", "static __attribute__((always_inline, overloadable))"
    unaligned = f"{vector} __attribute__((aligned(sizeof({kind}))))"
    load = (
        f"{head} {vector} vload{width}(ulong at, const {space} {kind}* from) "
        f"{{ typedef {unaligned} unaligned; return *(const {space} unaligned*)(from + {width} * at); }}"
    )
    store = (
        f"{head} void vstore{width}({vector} value, ulong at, {space} {kind}* to) "
        f"{{ typedef {unaligned} unaligned; *({space} unaligned*)(to + {width} * at) = value; }}"
    )
    return load if space == "__constant" else f"{load}\n{store}"


_SPACES = ("__global", "__local", "__private", "__constant")
_VECTOR_ACCESSES = [_vector_access(kind, width, space) for kind in _SCALARS for width in _WIDTHS for space in _SPACES]
_REGISTERED = [f"{kind}{width}" for kind in _SCALARS for width in ("", *_WIDTHS)]
PRELUDE = "\n".join(
    [
        f"ulong {CHANNEL_SITE}(void); bool {CHANNEL_READY}(void); int get_compute_id(int);",
        *(f"__attribute__((const, overloadable)) {kind} {REGISTER}({kind});" for kind in (*_REGISTERED, "bool")),
        *_VECTOR_ACCESSES,
        f"#define read_channel_intel(c) ((c)[{CHANNEL_SITE}()])",
        f"#define write_channel_intel(c, value) ((c)[{CHANNEL_SITE}()] = (value))",
        f"#define read_channel_nb_intel(c, valid) (*(valid) = {CHANNEL_READY}(), (c)[{CHANNEL_SITE}()])",
        f"#define write_channel_nb_intel(c, value) ((c)[{CHANNEL_SITE}()] = (value), {CHANNEL_READY}())",
        "#define read_channel_altera read_channel_intel",
        "#define write_channel_altera write_channel_intel",
        "#define mem_fence(flags)",
        "#define INTELFPGA_CL 203",
        "",
    ]
)
CHANNEL_WORDS = 1 << 20  # of the array that stands for a channel: no index is beyond it

MEMORY_WORDS = frozenset(
    """memory register numbanks bankwidth bank_bits singlepump doublepump numreadports numwriteports max_replicates private_copies
    merge
    simple_dual_port force_pow2_depth max_concurrency numports_readonly_writeonly internal""".split()
)
_PRAGMA = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+(.*)$")
_MARKER = re.compile(r'^# (\d+) "((?:[^"\\]|\\.)*)"')
_LOOP = re.compile(r"\b(for|while|do)\b")
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)\)")
_WORD = re.compile(r"(\w+)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?")
_CHANNEL = re.compile(r"\bchannel\s+([^;]+);")
_ATTRIBUTES = rf"(?:{_ATTRIBUTE.pattern}\s*)*"
_KERNEL = re.compile(
    rf"(?P<head>{_ATTRIBUTES})\b(?:__)?kernel\b\s*(?P<middle>{_ATTRIBUTES})void\s+(?P<last>{_ATTRIBUTES})(?P<name>\w+)\s*\("
)
_STRUCTURE = re.compile(r"\btypedef\s+(?:struct|union)\b[^{};]*\{(?:[^{}]|\{[^{}]*\})*\}\s*(\w+)\s*;")

Place = tuple[str, int]  # file, without its folder, and line


@dataclass
class LoopPragmas:
    """What stands above one loop."""

    unroll: int | None = None  # 0: fully
    ivdep: list[tuple[str | None, int | None]] = field(default_factory=list)  # array (None: all), safelen (None: any distance)
    ii: int | None = None
    coalesce: int | None = None  # loops of the nest that become one; 0: all
    pipelined: bool = True


@dataclass
class Dialect:
    """`text` is what clang compiles; the rest is what was taken out of it."""

    text: str
    loops: dict[Place, LoopPragmas]
    # By kernel, "" outside of kernels, and by an array's name: the attributes that it has, each with its argument.
    memories: dict[str, dict[str, dict[str, str]]]
    kernels: dict[str, dict[str, str]]  # a kernel's name: its attributes
    channels: dict[str, int]  # a channel's name: its depth in words, as the source states it

    def attributes(self, kernel: str) -> dict[str, dict[str, str]]:
        """Attributes of the arrays that a kernel may have, by name: its own, and those of functions that it may call."""
        return self.memories.get("", {}) | self.memories.get(kernel, {})

    def copies(self, kernel: str) -> int:
        """Compute units of a kernel, as num_compute_units has it."""
        numbers = re.findall(r"\d+", self.kernels.get(kernel, {}).get("num_compute_units", ""))
        return math.prod(map(int, numbers))

    def without_unrolling(self, places: set[Place] | None = None) -> str:
        """The text with the unrolled loops at `places` (None: all) left as loops."""
        return _rewritten_unroll(self.text, places)


def read(preprocessed: str) -> Dialect:
    """Takes the dialect out of text that clang's preprocessor wrote with -dD. Lines stay where they are."""
    preprocessed = _expanded_pragmas(preprocessed)
    loops = _loop_pragmas(preprocessed)
    memories: dict[str, dict[str, dict[str, str]]] = {}
    kernels = {
        found["name"]: _words_of_all(found["head"] + found["middle"] + found["last"]) for found in _KERNEL.finditer(preprocessed)
    }
    channels: dict[str, int] = {}
    text = _CHANNEL.sub(lambda match: _channel(match, channels), preprocessed)
    bodies = _kernel_bodies(text)
    text = _ATTRIBUTE.sub(lambda match: _memory(match, text, memories, bodies), text)
    text = _STRUCTURE.sub(
        rf"\g<0> static __attribute__((always_inline, overloadable)) \1 {REGISTER}(\1 value) {{ return value; }}", text
    )
    return Dialect(text, loops, memories, kernels, channels)


def _expanded_pragmas(text: str) -> str:
    """Text without definitions of macros; those that pragmas name, which the preprocessor leaves to the compiler, are expanded."""
    macros: dict[str, str] = {}
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if line.startswith(("#define ", "#undef ")):
            _, name, *body = line.split(" ", 2)
            macros[name] = body[0] if line.startswith("#define ") and body else ""
            lines[index] = ""
        elif _PRAGMA.match(line) and not line.lstrip().startswith("#pragma clang"):
            lines[index] = _expanded(line, macros)
    return "\n".join(lines)


def _expanded(line: str, macros: dict[str, str]) -> str:
    for _ in range(8):
        head, _, rest = line.partition("pragma ")
        after = re.sub(r"\b[A-Za-z_]\w*\b", lambda match: macros.get(match[0], match[0]), rest)
        if after == rest:
            return _evaluated(line)
        line = f"{head}pragma {after}"
    return line


def _evaluated(line: str) -> str:
    """Sums and products of numbers in a pragma's parentheses as the number that they are."""

    def value(match: re.Match[str]) -> str:
        try:
            return f"({evaluate(match[1], {})})"
        except (SyntaxError, ValueError):
            return match[0]

    return re.sub(r"\(([\d\s+*/()-]+)\)", value, line)


def _placed_lines(text: str) -> list[tuple[Place, str]]:
    """Each line of text with where it came from; line markers have no place of their own."""
    placed, file, number = [], "", 1
    for line in text.split("\n"):
        marker = _MARKER.match(line)
        if marker:
            file, number = marker[2].rpartition("/")[2], int(marker[1])
            placed.append((("", 0), line))
            continue
        placed.append(((file, number), line))
        number += 1
    return placed


def _loop_pragmas(text: str) -> dict[Place, LoopPragmas]:
    loops: dict[Place, LoopPragmas] = {}
    pending = LoopPragmas()
    for place, line in _placed_lines(text):
        pragma = _PRAGMA.match(line)
        if pragma:
            _take(pending, pragma[1].strip())
        elif _LOOP.search(line) and pending != LoopPragmas():
            loops[place] = pending
            pending = LoopPragmas()
    return loops


def _take(pragmas: LoopPragmas, words: str) -> None:
    number = re.search(r"(\d+)", words)
    match words.split("(")[0].split()[:1]:
        case ["unroll"]:
            pragmas.unroll = int(number[1]) if number else 0
        case ["nounroll"]:
            pragmas.unroll = 1
        case ["ivdep"]:
            array = re.search(r"array\s*\(\s*(?:\w+\s*\.\s*)?(\w+)", words)
            safelen = re.search(r"safelen\s*\(\s*(\d+)", words)
            pragmas.ivdep.append((array[1] if array else None, int(safelen[1]) if safelen else None))
        case ["ii"]:
            pragmas.ii = int(number[1]) if number else None
        case ["loop_coalesce"]:
            pragmas.coalesce = int(number[1]) if number else 0
        case ["disable_loop_pipelining"]:
            pragmas.pipelined = False


def _words_of_all(text: str) -> dict[str, str]:
    return {word: argument for inside in _ATTRIBUTE.findall(text) for word, argument in _WORD.findall(inside)}


def _kernel_bodies(text: str) -> dict[str, range]:
    """Where each kernel's body lies in the text."""
    bodies = {}
    for found in _KERNEL.finditer(text):
        begin = text.find("{", found.end())
        depth, end = 0, begin
        for brace in re.finditer(r"[{}]", text[begin:]):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = begin + brace.end()
                break
        bodies[found["name"]] = range(begin, end)
    return bodies


def _memory(match: re.Match[str], text: str, memories: dict[str, dict[str, dict[str, str]]], bodies: dict[str, range]) -> str:
    """Takes a memory's attributes out of the text, and notes them under its kernel's and the array's name."""
    words = dict(_WORD.findall(match[1]))
    words = {re.sub(r"^__(\w+)__$", r"\1", word): argument for word, argument in words.items()}
    if not words.keys() & MEMORY_WORDS:
        return match[0]
    after = text[match.end() :].split(";", 1)[0].split("{", 1)[0]
    declared = re.search(r"(\w+)\s*(?:\[|=|,|$)", after.rstrip())
    if not declared:
        before = re.split(r"[;{}]", text[: match.start()])[-1]
        declared = re.search(r"(\w+)\s*(?:\[[^;]*)?$", before.rstrip())
    if declared:
        kernel = next((name for name, body in bodies.items() if match.start() in body), "")
        memories.setdefault(kernel, {}).setdefault(declared[1], {}).update(words)
    return "\n" * match[0].count("\n")


def _channel(match: re.Match[str], channels: dict[str, int]) -> str:
    """A declaration of channels as arrays of external memory."""
    depth = re.search(r"depth\s*\(\s*(\d+)", match[1])
    plain = _ATTRIBUTE.sub("", match[1]).strip()
    head = re.match(r"((?:struct\s+|const\s+|unsigned\s+)*\w+)\s+(.*)$", plain, re.DOTALL)
    if not head:
        return match[0]
    declarations = []
    for declarator in head[2].split(","):
        channels[declarator.split("[")[0].strip()] = int(depth[1]) if depth else 0
        declarations.append(f"{declarator.strip()}[{CHANNEL_WORDS}]")
    return f"extern __global {head[1]} {', '.join(declarations)};" + "\n" * match[0].count("\n")


def _rewritten_unroll(text: str, places: set[Place] | None) -> str:
    """`#pragma unroll` of the loops at `places` as `#pragma nounroll`."""
    placed = _placed_lines(text)
    lines = [line for _, line in placed]
    pending: int | None = None
    for index, (place, line) in enumerate(placed):
        pragma = _PRAGMA.match(line)
        if pragma:
            if pragma[1].strip().startswith("unroll"):
                pending = index
        elif _LOOP.search(line):
            if pending is not None and (places is None or place in places):
                lines[pending] = "#pragma nounroll"
            pending = None
    return "\n".join(lines)
