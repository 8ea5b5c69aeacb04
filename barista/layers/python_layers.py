"""What to say of an exception in a layer of type Python, which Caffe's passes let through to whoever asked for them.

Where stock Caffe can't make the layer (no such module, no such class, an error in its constructor), it prints the exception and
throws another that says nothing; Python keeps what was printed in sys.last_value.
"""

from __future__ import annotations

import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

_NO_LAYER = "No registered converter was able to produce a C++ rvalue"  # Boost.Python, of what is no caffe.Layer


def printed() -> BaseException | None:
    """The exception that Caffe has printed, where it could not make a layer."""
    return getattr(sys, "last_value", None)


def sentence(error: BaseException, layer: str) -> str:
    """The layer, the exception in its own words, and where it was raised: the layer's own line rather than a library's."""
    return f"{f'layer {layer!r}' if layer else 'a layer'} of type Python: {_words(error)}{_where(error)}"


def of_pycaffe(error: BaseException, layer: str, net: Any = None) -> str | None:
    """sentence() of an exception that came through pycaffe; None where no layer has thrown it.

    `layer` is the one at hand; of those that `net` has, it is found by itself.
    """
    known = printed()
    if isinstance(error, SystemError) and known is not None:
        return sentence(known, layer)
    caffe = sys.modules["caffe"]
    selves = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    # A method that is missing leaves no frame.
    thrower = next((this for this in (*selves, getattr(error, "obj", None)) if isinstance(this, caffe.Layer)), None)
    if thrower is None:
        return None
    if net is not None:
        layer = next((name for name, made in zip(net._layer_names, net.layers, strict=True) if made is thrower), layer)
    return sentence(error, layer)


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if _NO_LAYER in text:
        return "its class is no caffe.Layer"
    if isinstance(error, SyntaxError):
        text = str(error.msg)
    if isinstance(error, ModuleNotFoundError):
        text += "; is its folder in PYTHONPATH?"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f", at {error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_of_library(frame.filename)]
    if frames:
        return f", at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}()"
    module = getattr(error, "obj", None)
    return f", at {module.__file__}" if isinstance(module, ModuleType) and getattr(module, "__file__", None) else ""


def _is_of_library(file: str) -> bool:
    caffe = sys.modules["caffe"].__file__
    folders = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    folders += [str(Path(__file__).parents[1]), *([str(Path(caffe).parent)] if caffe else [])]
    return file.startswith("<") or any(Path(file).is_relative_to(folder) for folder in folders)
