"""Reads LLVM's code as text: what `-emit-llvm -S` writes, with opaque pointers, of LLVM 14 and 15."""

from __future__ import annotations

import re
from collections.abc import Iterator

from barista.report.ir import Argument, Block, Function, Global, Instruction, Module, split

_FLAGS = frozenset(
    """nuw nsw exact fast nnan ninf nsz arcp contract afn reassoc inbounds volatile atomic tail musttail notail noundef nonnull
    zeroext
    signext noalias nocapture readonly readnone writeonly returned inreg immarg spir_func spir_kernel dso_local weak""".split()
)
_TYPE = re.compile(r"(?:void|half|float|double|label|token|metadata|i\d+|ptr(?: addrspace\(\d+\))?|%[\w.]+|%\"[^\"]+\")")
_CASTS = frozenset("trunc zext sext fptrunc fpext fptoui fptosi uitofp sitofp ptrtoint inttoptr bitcast addrspacecast".split())
_OPEN, _CLOSE = "([{<", ")]}>"


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
            elif match := re.match(
                r"(?:align \d+|(?:dereferenceable|byval|sret|align|elementtype)\([^)]*\)(?: align \d+)?) ", rest
            ):
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
        alignment = re.search(r", align (\d+)", line)
        line, location, loop = _without_metadata(line)
        result, _, body = line.partition(" = ") if re.match(r'%(?:[-\w.$]+|"[^"]*") = ', line) else ("", "", line)
        opcode, _, rest = body.partition(" ")
        while opcode in ("tail", "musttail", "notail"):
            opcode, _, rest = rest.partition(" ")
        if born := re.search(r"@llvm\.lifetime\.start[\w.]*\(.*, ptr (?:\w+ )*(%[-\w.$]+)\)", rest):
            self.function.begins.setdefault(born[1], set()).add(block)
        made = self._made(opcode, result, rest)
        if made is None:
            return None
        made.block, made.location, made.loop, made.index = block, location, loop, self.count
        made.alignment = int(alignment[1]) if alignment else 1
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
                kind, _, _ = rest.partition(", ")
                return Instruction(
                    "load", result, kind if not kind.startswith(("<", "[", "{")) else take_type(rest)[0], self._load(rest)
                )
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
            plain = position > 0 and opcode not in (
                "select",
                "insertelement",
                "extractelement",
                "shufflevector",
                "insertvalue",
                "atomicrmw",
            )
            kind, value = (
                ("", self.value(part)) if plain else self.typed(part.removeprefix("add ") if opcode == "atomicrmw" else part)
            )
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


_GLOBAL = re.compile(
    r"^(@[\w.$]+) = (?P<linkage>[^@]*?)(?:addrspace\((?P<space>\d+)\) )?(?:externally_initialized )?"
    r"(?:global|constant) (?P<rest>.*)$"
)
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
    match = _GLOBAL.match(line)
    if match:
        external = "external" in match["linkage"]
        module.globals[match[1]] = Global(match[1], take_type(match["rest"])[0], int(match["space"] or 0), external)


def _function(line: str, lines: Iterator[str]) -> Function:
    match = re.search(r"@([\w.$]+)\(", line)
    assert match, line
    end = _closing(line, match.end() - 1)
    arguments = [_argument(part) for part in split(line[match.end() : end])]
    function = Function(match[1], "spir_kernel" in line[: match.start()], arguments)
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
