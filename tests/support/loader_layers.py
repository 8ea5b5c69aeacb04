"""A data layer of type Python that loads in a process of its own, as detection nets' do; `param_str` says how that one ends."""

from __future__ import annotations

import atexit
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import caffe
import numpy as np


def _load(queue: Any, stubborn: bool) -> None:
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        queue.put(np.ones((4, 6), np.float32))


class LoaderLayer(caffe.Layer):
    """Tops: data 4 x 6 from the loader, labels 4."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.options = json.loads(self.param_str)
        self.batches = 0
        fork = multiprocessing.get_context("fork")
        self.queue = fork.Queue(4)
        self.loader = fork.Process(target=_load, args=(self.queue, self.options.get("stubborn", False)))
        self.loader.daemon = self.options["end"] != "never"
        self.loader.start()
        started = [self.loader.pid]
        if "program" in self.options:
            started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]).pid)
        Path(self.options["pids"]).write_text(json.dumps([os.getpid(), *started]))
        if self.options["end"] == "atexit":
            atexit.register(self.terminate)

    def terminate(self) -> None:
        self.loader.terminate()
        self.loader.join()

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(4, 6)
        top[1].reshape(4)

    def forward(self, bottom: Any, top: Any) -> None:
        self.batches += 1
        if self.batches == self.options.get("stuck"):
            Path(self.options["pids"] + ".stuck").touch()
            time.sleep(1000)
        time.sleep(self.options.get("slow", 0))
        top[0].data[...] = self.queue.get()
        top[1].data[...] = 1

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        pass
