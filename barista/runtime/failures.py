"""Why a worker died, as one sentence: from Caffe's last words, or from the signal that ended it.

Caffe's checks read like `Check failed: a == b (1 vs. 2) words`. Where it says words, they are kept; where it gives only a
condition, the common ones are put into words, and all others quoted.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from barista.net import schema

# With two sides compared, and with one condition; words begin with a capital.
_COMPARISON = re.compile(r"Check failed: (?P<condition>.*?) \((?P<left>[^()]*) vs\. (?P<right>[^()]*)\) ?(?P<words>.*)$")
_CONDITION = re.compile(r"Check failed: (?P<condition>.*?)(?: (?P<words>[A-Z][a-z']+ .*))?$")

_ONE_SIZE = "give all images of a batch one size, or a crop_size that none is below"

# What a condition without words means; the values are those of its left and right side.
_CONDITIONS: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    (r"^shape\[i\] >= 0$", lambda left, _: f"an extent of its output would be {left}; its kernel does not fit its input"),
    (
        r"^height_out|^width_out|^pooled_",
        lambda left, _: f"its output would be {left} wide or high; its kernel does not fit its input",
    ),
    (r"bottom\[0\]->channels\(\) % group", lambda left, right: "its input's channels are not a multiple of its groups"),
    (r"num_output\w* % group", lambda left, right: "num_output is not a multiple of its groups"),
    (r"mdb_status == 0", lambda left, _: "its LMDB can't be read"),
    # Of images, which a data layer transforms.
    (r"^datum_channels > 0", lambda left, _: "a record has no channels: it is no Datum, or an empty one"),
    (r"height >= crop_size", lambda left, right: f"an image is {left} high, less than crop_size: {right}"),
    (r"width >= crop_size", lambda left, right: f"an image is {left} wide, less than crop_size: {right}"),
    (r"channels == data_mean_", lambda left, right: f"an image has {left} channels, its mean_file {right}"),
    (r"height == data_mean_", lambda left, right: f"an image is {left} high, its mean_file {right}; resize one of the two"),
    (r"width == data_mean_", lambda left, right: f"an image is {left} wide, its mean_file {right}; resize one of the two"),
    (r"^channels == (datum|img)_channels", lambda left, right: f"an image has {right} channels in a batch of {left}"),
    (r"^height <= (datum|img)_height", lambda left, right: f"an image is {right} high in a batch of {left}; {_ONE_SIZE}"),
    (r"^width <= (datum|img)_width", lambda left, right: f"an image is {right} wide in a batch of {left}; {_ONE_SIZE}"),
    (r"^(datum|img)_height == height", lambda left, right: f"an image is {left} high in a batch of {right}; {_ONE_SIZE}"),
    (r"^(datum|img)_width == width", lambda left, right: f"an image is {left} wide in a batch of {right}; {_ONE_SIZE}"),
    (r"^fg_windows_", lambda left, _: "none of its windows is an object's: an overlap of fg_threshold or more"),
    (r"^bg_windows_", lambda left, _: "none of its windows is background: an overlap below bg_threshold"),
    (r"^ReadProtoFrom\w+\(filename, proto\)$", lambda left, _: "a file can't be read: it is of another kind, or broken"),
    (r"^(batch->data_|this->transformed_data_)\.count\(\)", lambda left, _: "the first image of a batch is empty"),
)
# What Caffe says of an image before it goes on and fails of something that comes of it.
_UNDECODED, _UNREAD = "Could not decode datum", "Could not open or find file "
# Messages that say it in several sentences, or in Caffe's inner terms.
_MISMATCH = re.compile(
    r"Cannot copy param (?P<param>\d+) weights from layer '(?P<layer>.*)'; shape mismatch\. *"
    r"Source param shape is (?P<source>[\d ]*) \(\d+\); target param shape is (?P<target>[\d ]*) \(\d+\)"
)
# Barista's own layers end the process as Caffe's do, with sentences that need nothing more.
_OWN_SOURCES = ("fpga_", "label_check.", "checked_layers.", "prefetching_layers.")
_PHASES = {
    "device": "opening the device",
    "construction": "making the nets",
    "resume": "reading the snapshot",
    "snapshot": "writing the snapshot",
}


def sentence(return_code: int, fatal: Mapping[str, Any] | None, phase: Mapping[str, Any], log: Path) -> str:
    """Why the worker, which ended with `return_code` (negative: a signal's number), died in `phase`. `log` has all that it said."""
    if fatal is not None:
        return of_caffe(fatal, _when(phase))
    when = _when(phase)
    if -return_code == signal.SIGKILL:
        return f"the worker was killed {when} (SIGKILL), by somebody or by the kernel for want of memory"
    if return_code < 0:
        return f"the worker died {when} ({_signal_name(-return_code)}); {log} has its last words"
    return f"the worker ended {when} with status {return_code}; {log} has its last words"


def explain(message: str) -> str:
    """Caffe's fatal message in words."""
    text = " ".join(message.split())
    check = _COMPARISON.match(text) or _CONDITION.match(text)
    if check is None:
        return _first_sentence(text)
    compared = check.groupdict()
    left, right = compared.get("left", ""), compared.get("right", "")
    if words := check["words"]:
        told = _first_sentence(words)
        # A rule about two numbers; a status says nothing, and words that hold a number say it.
        return f"{told} ({left} and {right})" if re.search(r" (less|greater|equal|match)\b", told) and left.isdigit() else told
    for pattern, say in _CONDITIONS:
        if re.search(pattern, check["condition"]):
            return say(left, right)
    values = f" ({left} and {right})" if left else ""
    return f"the check '{check['condition']}' failed{values}"


def of_caffe(fatal: Mapping[str, Any], when: str = "") -> str:
    """Caffe's last words, with the layer and the data that it was at; `when` is said where no layer is known, and of labels."""
    text = explain(fatal["message"])
    layer = f"layer '{fatal['layer']}': " if fatal["layer"] else ""
    if fatal["place"].startswith(_OWN_SOURCES):
        within = f", {when}" if when.startswith("in ") else ""
        return f"{'' if text.startswith('layer ') else layer}{text}{_data_of(fatal)}{within}"
    error = fatal.get("error", "")
    if error.startswith(_UNDECODED):
        text = "an encoded image can't be decoded"
    elif error.startswith(_UNREAD):
        text = "an image can't be decoded" if Path(error.removeprefix(_UNREAD)).is_file() else "there is no such image"
    return f"{layer}{text}{_data_of(fatal)}, says Caffe{f' {when}' if when and not layer else ''} ({fatal['place']})"


def _data_of(fatal: Mapping[str, Any]) -> str:
    """What of its data a layer was reading, where that is known."""
    known = [fatal["item"]] if "item" in fatal else []
    if "source" in fatal:
        known.append(f"source {fatal['source']}")
    if "mean_file" in fatal:
        known.append(f"mean_file {fatal['mean_file']}{_size_of_mean(fatal['mean_file'])}")
    return f" ({'; '.join(known)})" if known else ""


def _size_of_mean(file: str) -> str:
    try:
        blob = schema.new("BlobProto")
        blob.ParseFromString(Path(file).read_bytes())
    except (OSError, DecodeError):
        return ""
    shape = list(blob.shape.dim) or [blob.num, blob.channels, blob.height, blob.width]
    return f", {' x '.join(str(extent) for extent in shape[-3:])}"


def _when(phase: Mapping[str, Any]) -> str:
    name, iteration = phase["phase"], phase["iteration"]
    if name == "training":
        return f"in iteration {iteration}"
    return f"when {_PHASES[name]}" + (f" of iteration {iteration}" if name == "snapshot" else "")


def _first_sentence(words: str) -> str:
    """Caffe's messages may go on for pages (all known layer types, all of a net): the first sentence, 300 characters at most."""
    if mismatch := _MISMATCH.match(words):
        source, target = (" x ".join(mismatch[side].split()) for side in ("source", "target"))
        return f"weights of layer '{mismatch['layer']}', blob {mismatch['param']}: {source} in the file, {target} in the net"
    if words.startswith("Incorrect length of history blobs"):
        return "the solver state is of another net, or of another type of solver"
    words = re.sub(r" \(known types: .*", "", words)
    words = re.split(r"(?<=[a-z)\]])[.;] (?=[A-Z])", words, maxsplit=1)[0]
    return words[:300].rstrip(" .!")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
