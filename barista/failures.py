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

# With two sides compared, and with one condition; words begin with a capital.
_COMPARISON = re.compile(r"Check failed: (?P<condition>.*?) \((?P<left>[^()]*) vs\. (?P<right>[^()]*)\) ?(?P<words>.*)$")
_CONDITION = re.compile(r"Check failed: (?P<condition>.*?)(?: (?P<words>[A-Z][a-z']+ .*))?$")

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
)
# Messages that say it in several sentences, or in Caffe's inner terms.
_MISMATCH = re.compile(
    r"Cannot copy param (?P<param>\d+) weights from layer '(?P<layer>.*)'; shape mismatch\. *"
    r"Source param shape is (?P<source>[\d ]*) \(\d+\); target param shape is (?P<target>[\d ]*) \(\d+\)"
)
# Barista's own layers end the process as Caffe's do, with sentences that need nothing more.
_OWN_SOURCES = "fpga_"
_PHASES = {
    "device": "opening the device",
    "construction": "making the nets",
    "resume": "reading the snapshot",
    "snapshot": "writing the snapshot",
}


def sentence(return_code: int, fatal: Mapping[str, Any] | None, phase: Mapping[str, Any], log: Path) -> str:
    """Why the worker, which ended with `return_code` (negative: a signal's number), died in `phase`. `log` has all that it said."""
    if fatal is not None:
        return _of_caffe(fatal, phase)
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
    if words := check["words"]:
        return _first_sentence(words)
    compared = check.groupdict()
    left, right = compared.get("left", ""), compared.get("right", "")
    for pattern, say in _CONDITIONS:
        if re.search(pattern, check["condition"]):
            return say(left, right)
    values = f" ({left} and {right})" if left else ""
    return f"the check '{check['condition']}' failed{values}"


def _of_caffe(fatal: Mapping[str, Any], phase: Mapping[str, Any]) -> str:
    text = explain(fatal["message"])
    if fatal["place"].startswith(_OWN_SOURCES):
        return text
    if fatal["layer"]:
        return f"layer '{fatal['layer']}': {text}, says Caffe ({fatal['place']})"
    return f"{text}, says Caffe {_when(phase)} ({fatal['place']})"


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
