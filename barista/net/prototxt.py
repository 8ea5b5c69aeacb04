"""Caffe's text format: files to messages and back, and what is wrong with a file in one sentence.

A sentence names file, line and column (both from 1), the object and the rule: `net.prototxt:12:3: LayerParameter has no field
'tpye'; did you mean 'type'?`. Comments are not kept; every field is.
"""

from __future__ import annotations

import contextlib
import difflib
import enum
import itertools
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from barista.errors import BaristaError
from barista.net import schema


class Kind(enum.Enum):
    """What a prototxt describes; the value is the name of Caffe's message."""

    NET = "NetParameter"
    SOLVER = "SolverParameter"

    @property
    def noun(self) -> str:
        return "net" if self is Kind.NET else "solver"


@dataclass(frozen=True)
class Document:
    path: Path
    kind: Kind
    message: Any


def read(path: Path, expected: Kind | None = None) -> Document:
    """Reads a net or a solver, whichever the file's own fields say it is. Raises BaristaError, also where another is `expected`."""
    text = _read_text(path)
    kind = _kind_of(text, path)
    if expected is not None and expected is not kind:
        raise BaristaError(f"{path}: is a {kind.noun}, a {expected.noun} is expected here")
    return Document(path, kind, parse(text, kind, str(path)))


def read_net(path: Path) -> schema.NetParameter:
    """Reads a net of any of Caffe's formats, as it stands in the file (not upgraded). Raises BaristaError."""
    return read(path, Kind.NET).message


def read_solver(path: Path) -> schema.SolverParameter:
    """Reads a solver as it stands in the file. Raises BaristaError."""
    return read(path, Kind.SOLVER).message


def parse(text: str, kind: Kind, name: str) -> Any:
    """Parses `text`; `name` is what error sentences call it. Raises BaristaError."""
    message = schema.new(kind.value)
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise BaristaError(f"{name}:{_sentence(error, text, kind)}") from error
    missing = message.FindInitializationErrors()
    if missing:
        raise BaristaError(f"{name}: required field '{missing[0]}' is missing")
    return message


def to_text(message: Any) -> str:
    """The message in Caffe's text format; parsing it gives back an equal message."""
    return str(text_format.MessageToString(message, as_utf8=True))


def write_text(path: Path, text: str) -> None:
    """Writes aside and renames, so that `path` holds either its old contents or all of the new. Raises BaristaError."""
    try:
        _replace(Path(os.path.realpath(path)), text.encode())
    except OSError as error:
        raise BaristaError(f"{path}: cannot be written: {_reason(error)}") from error


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """The end of a sentence: "; did you mean '...'?" with the candidate nearest to `name`, or nothing."""
    close = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def _replace(path: Path, contents: bytes) -> None:
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to put aside
        path.write_bytes(contents)
        return
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, _mode_for(path))
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def _mode_for(path: Path) -> int:
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)  # the only way to read it
    os.umask(umask)
    return 0o666 & ~umask


# --- reading -------------------------------------------------------------------------------------------------------------------


def _read_text(path: Path) -> str:
    try:
        contents = path.read_bytes()
    except FileNotFoundError as error:
        raise BaristaError(f"{path}: no such file{_nearby(path)}") from error
    except OSError as error:
        raise BaristaError(f"{path}: cannot be read: {_reason(error)}") from error
    if re.search(rb"[\x00-\x08\x0e-\x1f]", contents):
        raise BaristaError(f"{path}: is binary, a prototxt is text (trained weights, .caffemodel, are given with --weights)")
    text = _decode(contents, path)
    if not any(token.kind != "comment" for token in _tokens(text)):
        raise BaristaError(f"{path}: is empty, a net or solver prototxt is expected")
    return text


def _decode(contents: bytes, path: Path) -> str:
    """Comments may be in any encoding; names and paths must be UTF-8, or they would not survive."""
    text = contents.decode("utf-8-sig", errors="surrogateescape")
    foreign = re.compile("[\udc80-\udcff]")
    if not foreign.search(text):
        return text
    without_comments = _blank_comments(text)
    bad = foreign.search(without_comments)
    if bad is None:
        return without_comments
    line, column = _line_and_column(without_comments, bad.start())
    byte = ord(bad.group()) - 0xDC00
    raise BaristaError(f"{path}:{line}:{column}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8")


def _blank_comments(text: str) -> str:
    pieces, end = [], 0
    for token in _tokens(text):
        if token.kind == "comment":
            pieces += [text[end : token.start], " " * len(token.text)]
            end = token.start + len(token.text)
    return "".join([*pieces, text[end:]])


def _nearby(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" (and no folder {path.parent})" if not path.parent.exists() else ""
    return did_you_mean(path.name, names)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


# --- what a file is ------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?)
      | (?P<open>[{<])
      | (?P<close>[}>])
      | (?P<name>[A-Za-z_]\w*)
      | (?P<other>[^\s])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        yield _Token(str(match.lastgroup), match.group(), match.start())


def _kind_of(text: str, path: Path) -> Kind:
    """The kind to which more of the file's outermost fields belong; a net where both claim them.

    Raises BaristaError for a text of which more words stand alone than have a value or a block, as all fields have.
    """
    fields = {kind: set(schema.new(kind.value).DESCRIPTOR.fields_by_name) for kind in Kind}
    names, alone = _outermost_names(text, set().union(*fields.values()))
    if len(alone) > len(names) or not (alone or names):
        token = alone[0] if alone else next(token for token in _tokens(text) if token.kind != "comment")
        line, _ = _line_and_column(text, token.start)
        raise BaristaError(f"{path}: is no prototxt of a net or a solver: '{token.text}' in line {line} is no field with a value")
    solver_votes = sum(name in fields[Kind.SOLVER] for name in names)
    net_votes = sum(name in fields[Kind.NET] for name in names)
    return Kind.SOLVER if solver_votes > net_votes else Kind.NET


def _outermost_names(text: str, fields: Set[str]) -> tuple[list[str], list[_Token]]:
    """The names of fields outside all braces, of `fields` or others, and the words there that are neither a field nor its value."""
    names: list[str] = []
    alone: list[_Token] = []
    depth, after_colon = 0, False
    tokens = [token for token in _tokens(text) if token.kind != "comment"]
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.kind == "name" and depth == 0 and not after_colon:
            has_value = following is not None and (following.text == ":" or following.kind == "open")
            names.append(token.text) if has_value or token.text in fields else alone.append(token)
        after_colon = token.text == ":"
    return names, alone


# --- what is wrong with a file -------------------------------------------------------------------------------------------------


def _sentence(error: text_format.ParseError, text: str, kind: Kind) -> str:
    line, column = error.GetLine() or 1, error.GetColumn() or 1
    unclosed = _unclosed_brace(text)
    message = re.sub(r"^\d+:\d+ : ", "", str(error))
    message = re.sub(r"^'.*': (?=[A-Z])", "", message, count=1, flags=re.DOTALL)
    if message == 'Expected "}".' and unclosed is not None:
        opened, _ = _line_and_column(text, unclosed)
        return f"{line}:{column}: the file ends where '}}' is expected; the '{{' of line {opened} is not closed"
    return f"{line}:{column}: {_of_field(message, text, line, column)}{_explain(message, kind)}"


def _explain(message: str, kind: Kind) -> str:
    for pattern, explain in _EXPLANATIONS:
        match = re.search(pattern, message, re.DOTALL)
        if match:
            return str(explain(match, kind))
    return message.rstrip(".")


def _unknown_field(match: re.Match[str], kind: Kind) -> str:
    type_name, field = match.groups()
    descriptor = _descriptor(type_name)
    sentence = f"{descriptor.name} has no field '{field}'"
    if descriptor.name != kind.value and field in _descriptor(f"caffe.{kind.value}").fields_by_name:
        return f"{sentence}, {kind.value} has: is a '}}' missing above?"
    return sentence + did_you_mean(field, descriptor.fields_by_name)


def _unknown_value(match: re.Match[str], _kind: Kind) -> str:
    type_name, value = match.groups()
    enum_type = _pool_enum(type_name)
    values = list(enum_type.values_by_name)
    hint = did_you_mean(value, values) or f"; it has {', '.join(values)}"
    return f"{enum_type.name} has no value {value}{hint}"


def _given_twice(match: re.Match[str], _kind: Kind) -> str:
    type_name, field = match.groups()
    return f"'{field}' is given a second time; {_descriptor(type_name).name} takes it once"


# What google.protobuf.text_format says, and how we say it. An unlisted message is passed on as it is.
_EXPLANATIONS: list[tuple[str, Any]] = [
    (r'^Message type "([\w.]+)" has no field named "([^"]+)"', _unknown_field),
    (r'^Enum type "([\w.]+)" has no value (?:named|with number) (.+?)\.?$', _unknown_value),
    (r'^Message type "([\w.]+)" should not have multiple "([^"]+)" fields', _given_twice),
    (r"^Couldn't parse integer: (.+)$", lambda match, _: f"an integer is expected, not {match[1]}"),
    (r"^Value out of range: (.+)$", lambda match, _: f"{match[1]} is out of range"),
    (r"^Couldn't parse float: (.+)$", lambda match, _: f"a number is expected, not {match[1]}"),
    (r"^Expected string but found: '(.*)'$", lambda match, _: f"a string in quotes is expected, not {match[1]}"),
    (r"^String missing ending quote: ['\"](.*)['\"]$", lambda match, _: f"the string {match[1]} has no closing quote"),
    (r'^Expected "true" or "false"', lambda _match, _: "true or false is expected"),
    (r"^Expected identifier or number, got }", lambda _match, _: "this '}' closes nothing: no '{' is open"),
    (r"^Expected identifier or number, got (.*)\.$", lambda match, _: f"a field's name is expected, not '{match[1]}'"),
    (r'^Expected "(.)"', lambda match, _: f"'{match[1]}' is expected"),
]


def _of_field(message: str, text: str, line: int, column: int) -> str:
    """The words "field '...': " where the trouble is a value and its field stands before it on its line."""
    if not re.match(r"Couldn't parse|Value out of range|Expected string|Expected \"true|Enum type|String missing", message):
        return ""
    before = text.split("\n")[line - 1][: column - 1]
    name = re.search(r"([A-Za-z_]\w*)\s*:\s*(?:\[[^\]]*)?$", before)
    return f"field '{name[1]}': " if name else ""


def _unclosed_brace(text: str) -> int | None:
    """Where the innermost brace stands that the text opens and does not close."""
    open_braces: list[int] = []
    for token in _tokens(text):
        if token.kind == "open":
            open_braces.append(token.start)
        elif token.kind == "close" and open_braces:
            open_braces.pop()
    return open_braces[-1] if open_braces else None


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _descriptor(full_name: str) -> Any:
    return schema.descriptor_pool().FindMessageTypeByName(full_name)


def _pool_enum(full_name: str) -> Any:
    return schema.descriptor_pool().FindEnumTypeByName(full_name)
