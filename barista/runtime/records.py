"""What libbarista.so tells of the device: commands as they ran."""

from __future__ import annotations

from dataclasses import dataclass

# In the order in which barista_counters() writes them.
COUNTERS = ("launches", "buffers_created", "uploads", "upload_bytes", "downloads", "download_bytes", "waits", "fused")


@dataclass(frozen=True)
class Command:
    """A command as the device ran it. Times are nanoseconds of time.monotonic_ns()."""

    name: str  # a kernel's with its unit's number, or upload, prefetch, download, zero
    queue: int  # of a compute unit, by its number; then that of uploads, then that of downloads
    bytes: int
    enqueued: int
    began: int
    ended: int
