"""NumPy views of blobs that a script keeps: they count for as long as they live, as in stock pycaffe, where they are the memory.

`net.blobs['data'].data` is a view of memory on the host, of which the device may have a copy. Nobody tells Barista what a script
reads and writes through a view that it kept; so each view that is handed out is known to caffe_layers/memory/views.hpp from its
beginning to its end. NumPy keeps it alive for views of it. Memory with a living view is taken as written before Caffe's next call,
and brought up to date after it; memory whose views are gone costs nothing.

This file is run by itself too, by libbarista.so in scripts that did not call barista.load(): it imports nothing of Barista, and
finds the library's functions among all those of the process.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Callable
from typing import Any

# Of each function of libbarista.so what it returns, and its arguments; see caffe_layers/capi/barista.h and library.py.
PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "barista_view_begin": (None, (ctypes.c_void_p,)),
    "barista_view_end": (None, (ctypes.c_void_p,)),
    "barista_views_are_told": (None, ()),
    "barista_cross_to_caffe": (ctypes.c_int, (ctypes.c_int,)),
}
# Calls of pycaffe in which device layers run one after the other, so that views need be seen to once. Every other call is right
# too, and sees to them at each layer.
_CALLS = {"Net": ("_forward", "_backward"), "Solver": ("step", "solve", "apply_update")}
# Calls that take functions, which Caffe then calls in the middle of these.
_REGISTRATIONS = {"Net": ("before_forward", "after_forward", "before_backward", "after_backward"), "Solver": ("add_callback",)}


class _View(weakref.ref):
    """A reference to a view that does not keep it, and where its memory is."""

    __slots__ = ("address",)
    address: int


class _Tracker:
    def __init__(self, library: ctypes.PyDLL) -> None:
        self._begin, self._end = library.barista_view_begin, library.barista_view_end
        self._cross = library.barista_cross_to_caffe
        self._living: dict[int, _View] = {}

    def tracked(self, getter: Callable[[Any], Any]) -> property:
        @functools.wraps(getter)
        def get(blob: Any) -> Any:
            view = getter(blob)
            if view.size:
                reference = _View(view, self._ended)
                reference.address = view.ctypes.data
                self._begin(reference.address)
                self._living[id(reference)] = reference
            return view

        return property(get)

    def _ended(self, reference: _View) -> None:
        del self._living[id(reference)]
        self._end(reference.address)

    def in_caffe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(owner: Any, *arguments: Any) -> Any:
            # A layer in Python may look at any view in the middle of a pass.
            if not self._living or _has_python_layers(owner):
                return function(owner, *arguments)
            return self._on_side(1, function, owner, *arguments)

        return call

    def taking_functions(self, registration: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(registration)
        def register(owner: Any, *arguments: Any) -> Any:
            return registration(owner, *(functools.partial(self._on_side, 0, a) if callable(a) else a for a in arguments))

        return register

    def _on_side(self, side: int, function: Callable[..., Any], *arguments: Any) -> Any:
        before = self._cross(side)
        try:
            return function(*arguments)
        finally:
            self._cross(before)


def _has_python_layers(owner: Any) -> bool:
    """Of a net, or of a solver's nets."""
    nets = [owner] if hasattr(owner, "layers") else [owner.net, *owner.test_nets]
    return any(layer.type == "Python" for net in nets for layer in net.layers)


def track(pycaffe: Any) -> None:
    """Has every view count that `pycaffe`, the module caffe._caffe, hands out from here on."""
    # Asked without Python's lock: it makes a blob to see what becomes of it, which would come back here.
    if ctypes.CDLL(None).barista_hook_is_live() == 0:
        return  # layers copy always
    # PyDLL: these take less than it takes to let go of Python's lock, and one of them waits for the device as Caffe's calls do.
    library = ctypes.PyDLL(None)
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    tracker = _Tracker(library)
    for name in ("data", "diff"):
        setattr(pycaffe.Blob, name, tracker.tracked(getattr(pycaffe.Blob, name).fget))
    for wrap, table in ((tracker.in_caffe, _CALLS), (tracker.taking_functions, _REGISTRATIONS)):
        for owner, names in table.items():
            for name in names:
                setattr(getattr(pycaffe, owner), name, wrap(getattr(getattr(pycaffe, owner), name)))
    library.barista_views_are_told()
