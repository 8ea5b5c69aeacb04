"""LLVM's code as clang writes it: functions, blocks, instructions, types and the source lines that they came from.

Reads the text of `-emit-llvm -S` with opaque pointers, of LLVM 14 and 15. Only what a report looks at is kept. llvmlite would parse the
same text, but hands out neither debug locations, nor loops, nor addresses, which are most of what is needed here, and prints an
instruction by numbering its whole function anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Location = tuple[str, int]  # file, without its folder, and line


@dataclass(slots=True)
class Instruction:
    """One instruction; `operands` are values by name (%x, @x) or constants as they are written."""

    opcode: str
    result: str  # "" where there is none
    type: str  # of the result; of a store, of what it stores
    operands: list[str]
    block: str = ""
    index: int = 0  # in its function
    location: int | None = None  # number of its !dbg node
    predicate: str = ""  # of a comparison
    callee: str = ""  # of a call, without @
    source_type: str = ""  # of a getelementptr, what its pointer points to
    blocks: list[str] = field(default_factory=list)  # where a phi's operands come from, where a branch goes
    loop: int | None = None  # of a latch, number of its !llvm.loop node


@dataclass
class Block:
    name: str
    instructions: list[Instruction]
    successors: list[str] = field(default_factory=list)
    predecessors: list[str] = field(default_factory=list)


@dataclass
class Argument:
    name: str
    type: str
    by_value: str  # the type of a structure that is passed by value, or ""
    alias_free: bool  # `restrict`


@dataclass
class Function:
    name: str
    kernel: bool
    arguments: list[Argument]
    metadata: dict[str, int]  # !dbg and !kernel_arg_... nodes
    blocks: dict[str, Block] = field(default_factory=dict)
    values: dict[str, Instruction] = field(default_factory=dict)

    def instructions(self) -> Iterator[Instruction]:
        for block in self.blocks.values():
            yield from block.instructions

    def users(self) -> dict[str, list[Instruction]]:
        """Instructions by the value that they take."""
        found: dict[str, list[Instruction]] = {}
        for instruction in self.instructions():
            for operand in set(instruction.operands):
                found.setdefault(operand, []).append(instruction)
        return found


@dataclass
class Global:
    name: str  # with @
    type: str
    space: int  # 1 external, 2 constant, 3 on chip
    external: bool


@dataclass
class Module:
    functions: dict[str, Function]
    globals: dict[str, Global]
    structures: dict[str, str]
    metadata: dict[int, str]
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def location(self, node: int | None) -> Location | None:
        """File and line that a !dbg node stands for: of a function that was inlined, its own; of the prelude, where it was called."""
        while node is not None:
            text = self.metadata.get(node, "")
            line, scope, outer = _number(text, "line"), _reference(text, "scope"), _reference(text, "inlinedAt")
            file = self._file(scope).rpartition("/")[2]
            if file != "<prelude>" or outer is None:
                return (file, line or 0)
            node = outer
        return None

    def loop_location(self, node: int | None) -> Location | None:
        """File and line of the `for` of an !llvm.loop node."""
        if node is None:
            return None
        for reference in map(int, re.findall(r"!(\d+)", self.metadata.get(node, ""))):
            if reference != node and self.metadata.get(reference, "").startswith("!DILocation"):
                return self.location(reference)
        return None

    def strings(self, node: int | None) -> list[str]:
        """The strings of a node such as !kernel_arg_name."""
        return re.findall(r'!"([^"]*)"', self.metadata.get(node, "")) if node is not None else []

    def size(self, text: str) -> int:
        """Bytes of a type, padded as an array's element is."""
        size, alignment = self._size_alignment(text)
        return -(-size // alignment) * alignment

    def bits(self, text: str) -> int:
        """Bits of a type, that of a register."""
        if match := re.fullmatch(r"i(\d+)", text):
            return int(match[1])
        if match := re.fullmatch(r"<(\d+) x (.*)>", text):
            return int(match[1]) * self.bits(match[2])
        return 8 * self.size(text)

    def members(self, text: str) -> list[tuple[int, str]]:
        """Offset in bytes and type of each member of a structure."""
        found, at = [], 0
        packed = self._body(text).startswith("<{")
        for member in split(self._body(text).strip("<>{} \t")):
            size, alignment = self._size_alignment(member)
            at = at if packed else -(-at // alignment) * alignment
            found.append((at, member))
            at += self.size(member) if not packed else size
        return found

    def _body(self, text: str) -> str:
        return self.structures.get(text, text)

    def _size_alignment(self, text: str) -> tuple[int, int]:
        if text not in self._sizes:
            self._sizes[text] = self._measured(text)
        return self._sizes[text]

    def _measured(self, text: str) -> tuple[int, int]:
        if match := re.fullmatch(r"i(\d+)", text):
            size = max(1, 1 << max(0, (int(match[1]) - 1).bit_length() - 3))
            return size, size
        if text in _SIZES:
            return _SIZES[text], _SIZES[text]
        if text.startswith("ptr"):
            return 8, 8
        if match := re.fullmatch(r"\[(\d+) x (.*)\]", text):
            return int(match[1]) * self.size(match[2]), self._size_alignment(match[2])[1]
        if match := re.fullmatch(r"<(\d+) x ([^{].*)>", text):
            size = int(match[1]) * self._size_alignment(match[2])[0]
            rounded = 1 << max(0, size - 1).bit_length()
            return rounded, rounded
        if self._body(text).startswith(("{", "<{")):
            members = self.members(text)
            if not members:
                return 0, 1
            alignment = 1 if self._body(text).startswith("<{") else max(self._size_alignment(member)[1] for _, member in members)
            return members[-1][0] + self.size(members[-1][1]), alignment
        return 0, 1

    def _file(self, scope: int | None) -> str:
        for _ in range(50):
            text = self.metadata.get(scope, "") if scope is not None else ""
            if (file := _reference(text, "file")) is not None:
                name = re.search(r'filename: "([^"]*)"', self.metadata.get(file, ""))
                return name[1] if name else ""
            scope = _reference(text, "scope")
        return ""


_SIZES = {"float": 4, "double": 8, "half": 2}
_FLAGS = frozenset(
    """nuw nsw exact fast nnan ninf nsz arcp contract afn reassoc inbounds volatile atomic tail musttail notail noundef nonnull zeroext
    signext noalias nocapture readonly readnone writeonly returned inreg immarg spir_func spir_kernel dso_local weak""".split()
)
_TYPE = re.compile(r"(?:void|half|float|double|label|token|metadata|i\d+|ptr(?: addrspace\(\d+\))?|%[\w.]+|%\"[^\"]+\")")
_CASTS = frozenset("trunc zext sext fptrunc fpext fptoui fptosi uitofp sitofp ptrtoint inttoptr bitcast addrspacecast".split())
_OPEN, _CLOSE = "([{<", ")]}>"


def _number(text: str, key: str) -> int | None:
    match = re.search(rf"\b{key}: (\d+)", text)
    return int(match[1]) if match else None


def _reference(text: str, key: str) -> int | None:
    match = re.search(rf"\b{key}: !(\d+)", text)
    return int(match[1]) if match else None


def split(text: str) -> list[str]:
    """Splits at the commas that are in no brackets."""
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    last = text[begin:].strip()
    return [*parts, last] if last else parts


def take_type(text: str) -> tuple[str, str]:
    """The type at the start of text, and what follows it."""
    if text[:1] in ("<", "[", "{"):
        end = _closing(text, 0) + 1
        return text[:end], text[end:].lstrip()
    match = _TYPE.match(text)
    if not match:
        return "", text
    return match[0], text[match.end() :].lstrip()


def _closing(text: str, begin: int) -> int:
    depth = 0
    for at in range(begin, len(text)):
        if text[at] in _OPEN:
            depth += 1
        elif text[at] in _CLOSE:
            depth -= 1
            if depth == 0:
                return at
    return len(text) - 1


class _Reader:
    """Reads one function's instructions; constant expressions become instructions of no block."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.expressions = 0
        self.count = 0

    def typed(self, text: str) -> tuple[str, str]:
        """Type and value of `TYPE [attributes] VALUE`."""
        kind, rest = take_type(text)
        while True:
            word = rest.split(" ", 1)[0]
            if word in _FLAGS and " " in rest:
                rest = rest.split(" ", 1)[1].lstrip()
            elif match := re.match(r"(?:align \d+|(?:dereferenceable|byval|sret|align|elementtype)\([^)]*\)(?: align \d+)?) ", rest):
                rest = rest[match.end() :]
            else:
                break
        return kind, self.value(rest)

    def value(self, text: str) -> str:
        """A value; of a constant expression, the name of an instruction that stands for it."""
        match = re.match(r"(getelementptr|bitcast|addrspacecast|ptrtoint|inttoptr)(?: inbounds)? \(", text)
        if not match:
            return text
        self.expressions += 1
        name = f"%constant expression {self.expressions}"
        inside = text[match.end() : _closing(text, match.end() - 1)]
        if match[1] == "getelementptr":
            made = self._pointer(name, inside)
        else:
            operand, _, kind = inside.rpartition(" to ")
            made = Instruction(match[1], name, kind, [self.typed(operand)[1]])
        self.function.values[name] = made
        return name

    def _pointer(self, result: str, text: str) -> Instruction:
        parts = split(text)
        source = parts[0]
        operands = [self.typed(part) for part in parts[1:]]
        return Instruction("getelementptr", result, operands[0][0], [value for _, value in operands], source_type=source)

    def read(self, line: str, block: str) -> Instruction | None:
        line, location, loop = _without_metadata(line)
        result, _, body = line.partition(" = ") if re.match(r'%(?:[-\w.$]+|"[^"]*") = ', line) else ("", "", line)
        opcode, _, rest = body.partition(" ")
        while opcode in ("tail", "musttail", "notail"):
            opcode, _, rest = rest.partition(" ")
        made = self._made(opcode, result, rest)
        if made is None:
            return None
        made.block, made.location, made.loop, made.index = block, location, loop, self.count
        self.count += 1
        return made

    def _made(self, opcode: str, result: str, rest: str) -> Instruction | None:
        words = rest.split(" ")
        predicate = ""
        while words and words[0] in _FLAGS and opcode != "call":
            words = words[1:]
        if opcode in ("icmp", "fcmp"):
            predicate, words = words[0], words[1:]
        rest = " ".join(words)
        match opcode:
            case "load":
                kind, _, others = rest.partition(", ")
                return Instruction("load", result, kind if not kind.startswith(("<", "[", "{")) else take_type(rest)[0], self._load(rest))
            case "store":
                parts = split(rest)
                kind, value = self.typed(parts[0])
                return Instruction("store", "", kind, [value, self.typed(parts[1])[1]])
            case "getelementptr":
                return self._pointer(result, rest)
            case "phi":
                kind, rest = take_type(rest)
                pairs = [split(part[1:-1]) for part in split(rest)]
                return Instruction("phi", result, kind, [self.value(pair[0]) for pair in pairs], blocks=[pair[1] for pair in pairs])
            case "br":
                parts = split(rest)
                targets = [part.removeprefix("label ") for part in parts if part.startswith("label ")]
                return Instruction("br", "", "", [parts[0].split(" ")[1]] if len(targets) > 1 else [], blocks=targets)
            case "switch":
                targets = re.findall(r"label (%[-\w.$]+|%\"[^\"]*\")", rest)
                return Instruction("switch", "", "", [self.typed(split(rest.split(" [")[0])[0])[1]], blocks=targets)
            case "ret" | "unreachable" | "fence":
                return Instruction(opcode, "", "", [])
            case "call":
                return self._call(result, rest)
            case "alloca":
                return Instruction("alloca", result, split(rest)[0], [])
            case _ if opcode in _CASTS:
                operand, _, kind = rest.rpartition(" to ")
                return Instruction(opcode, result, kind, [self.typed(operand)[1]], source_type=take_type(operand)[0])
        return self._operation(opcode, result, rest, predicate)

    def _load(self, rest: str) -> list[str]:
        _, after = take_type(rest)
        return [self.typed(split(after.lstrip(", "))[0])[1]]

    def _call(self, result: str, rest: str) -> Instruction | None:
        match = re.search(r'@([\w.$]+|"[^"]*")\(', rest)
        if not match:
            return None
        words = [word for word in rest[: match.start()].split(" ") if word and word not in _FLAGS]
        kind = take_type(" ".join(words))[0]
        arguments = split(rest[match.end() : _closing(rest, match.end() - 1)])
        if match[1].startswith(("llvm.lifetime", "llvm.dbg", "llvm.assume", "llvm.experimental.noalias")):
            return None
        return Instruction("call", result, kind, [self.typed(argument)[1] for argument in arguments], callee=match[1])

    def _operation(self, opcode: str, result: str, rest: str, predicate: str) -> Instruction:
        """Arithmetic, comparisons, selects, elements of vectors and structures, atomics."""
        kinds, operands = [], []
        for position, part in enumerate(split(rest)):
            if position > 0 and opcode in ("insertvalue", "extractvalue") and re.fullmatch(r"\d+", part):
                operands.append(part)
                continue
            plain = position > 0 and opcode not in ("select", "insertelement", "extractelement", "shufflevector", "insertvalue", "atomicrmw")
            kind, value = ("", self.value(part)) if plain else self.typed(part.removeprefix("add ") if opcode == "atomicrmw" else part)
            kinds.append(kind)
            operands.append(value)
        kind = kinds[1] if opcode == "select" else kinds[0] if kinds else ""
        if opcode in ("icmp", "fcmp"):
            vector = re.match(r"<(\d+) x", kind)
            made = Instruction(opcode, result, f"<{vector[1]} x i1>" if vector else "i1", operands, predicate=predicate)
            made.source_type = kind
            return made
        if opcode == "extractelement":
            return Instruction(opcode, result, kind[kind.index(" x ") + 3 : -1], operands, source_type=kind)
        if opcode == "shufflevector":
            width = re.match(r"<(\d+) x", kinds[2]) if len(kinds) > 2 else None
            element = kind[kind.index(" x ") + 3 : -1]
            return Instruction(opcode, result, f"<{width[1] if width else 1} x {element}>", operands, source_type=kind)
        return Instruction(opcode, result, kind, operands)


def _without_metadata(line: str) -> tuple[str, int | None, int | None]:
    location = loop = None
    if ", !" in line:
        at = line.index(", !")
        tail, line = line[at:], line[:at]
        found = re.search(r"!dbg !(\d+)", tail)
        location = int(found[1]) if found else None
        found = re.search(r"!llvm\.loop !(\d+)", tail)
        loop = int(found[1]) if found else None
    return re.sub(r"(?:, align \d+)? ?(?:#\d+)?$", "", line), location, loop


_DEFINE = re.compile(r"^define ")
_GLOBAL = re.compile(r"^(@[\w.$]+) = (.*)$")
_LABEL = re.compile(r'^(?:([-\w.$]+)|"([^"]*)"):')


def parse(text: str) -> Module:
    """Parses a module. Raises ValueError on text that is none of clang's."""
    module = Module({}, {}, {}, {})
    lines = iter(text.split("\n"))
    for line in lines:
        if line.startswith("define "):
            function = _function(line, lines)
            module.functions[function.name] = function
        elif line.startswith("!"):
            node = re.match(r"!(\d+) = (?:distinct )?(.*)$", line)
            if node:
                module.metadata[int(node[1])] = node[2]
        elif line.startswith("@"):
            _global(line, module)
        elif match := re.match(r"^(%[\w.$]+|%\"[^\"]*\") = type (.*)$", line):
            module.structures[match[1]] = match[2]
    return module


def _global(line: str, module: Module) -> None:
    match = re.match(
        r"^(@[\w.$]+) = (?P<linkage>[^@]*?)(?:addrspace\((?P<space>\d+)\) )?(?:externally_initialized )?(?:global|constant) (?P<rest>.*)$", line
    )
    if match:
        external = "external" in match["linkage"]
        module.globals[match[1]] = Global(match[1], take_type(match["rest"])[0], int(match["space"] or 0), external)


def _function(line: str, lines: Iterator[str]) -> Function:
    match = re.search(r"@([\w.$]+)\(", line)
    assert match, line
    end = _closing(line, match.end() - 1)
    metadata = {key: int(node) for key, node in re.findall(r"!([\w.]+) !(\d+)", line[end:])}
    arguments = [_argument(part) for part in split(line[match.end() : end])]
    function = Function(match[1], "spir_kernel" in line[: match.start()], arguments, metadata)
    reader = _Reader(function)
    block = Block("%entry", [])
    started = False
    for raw in lines:
        if raw == "}":
            break
        label = _LABEL.match(raw)
        if label:
            name = "%" + (label[1] or f'"{label[2]}"')
            block = Block(name, [])
            function.blocks[name] = block
            started = True
            continue
        body = raw.strip()
        if not body or body.startswith(";"):
            continue
        if body.startswith("switch ") and not body.rstrip().endswith("]"):
            for more in lines:
                body += " " + more.strip()
                if more.strip().startswith("]"):
                    break
        if not started:
            function.blocks[block.name], started = block, True
        made = reader.read(body, block.name)
        if made is not None:
            block.instructions.append(made)
            if made.result:
                function.values[made.result] = made
    for block in function.blocks.values():
        block.successors = list(dict.fromkeys(block.instructions[-1].blocks)) if block.instructions else []
        for target in block.successors:
            function.blocks[target].predecessors.append(block.name)
    return function


def _argument(text: str) -> Argument:
    kind, rest = take_type(text)
    by_value = re.search(r"byval\(([^)]*)\)", rest)
    return Argument(rest.split(" ")[-1], kind, by_value[1] if by_value else "", " noalias" in f" {rest}")
