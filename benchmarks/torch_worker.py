"""Nets of the benchmark in PyTorch: a program for a Python that has PyTorch, and need not have anything else.

It takes and gives what barista.profile.worker does. On standard input {"net", "batch", "threads", "seed", "solver": {"rate",
"momentum", "decay"}} is answered by {"parameters", "versions"}; then {"do": "run", "steps": n} by {"seconds"}, {"do": "peak"} by
{"bytes"}. Layers and the rounding of pooled sizes are Caffe's. Weights begin as PyTorch has them, and biases learn no faster than
weights: times do not depend on either.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), _max(2, 2),
        nn.Conv2d(20, 50, 5), _max(2, 2),
        nn.Flatten(), nn.Linear(50 * 4 * 4, 500), nn.ReLU(True), nn.Linear(500, 10),
    )  # fmt: skip


def cifar10_quick() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), _max(3, 2), nn.ReLU(True),
        nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(True), _mean(3, 2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(True), _mean(3, 2),
        nn.Flatten(), nn.Linear(64 * 4 * 4, 64), nn.Linear(64, 10),
    )  # fmt: skip


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(True), nn.LocalResponseNorm(5, 1e-4, 0.75, 1), _max(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(True), nn.LocalResponseNorm(5, 1e-4, 0.75, 1), _max(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(True), _max(3, 2),
        nn.Flatten(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(True), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(0.5), nn.Linear(4096, 1000),
    )  # fmt: skip


def _max(kernel: int, stride: int) -> nn.Module:
    return nn.MaxPool2d(kernel, stride, ceil_mode=True)


def _mean(kernel: int, stride: int) -> nn.Module:
    return nn.AvgPool2d(kernel, stride, ceil_mode=True)


# Each net, the shape of a picture, and how many classes there are.
NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int], int]] = {
    "lenet": (lenet, (1, 28, 28), 10),
    "cifar10_quick": (cifar10_quick, (3, 32, 32), 10),
    "alexnet": (alexnet, (3, 227, 227), 1000),
}


class Trainer:
    def __init__(self, task: dict[str, Any]) -> None:
        torch.set_num_threads(task["threads"])
        torch.manual_seed(task["seed"])
        make, shape, classes = NETS[task["net"]]
        self.net = make().train()
        self.pictures = torch.randn(task["batch"], *shape)
        self.labels = torch.randint(classes, (task["batch"],))
        rule = task["solver"]
        self.solver = torch.optim.SGD(self.net.parameters(), lr=rule["rate"], momentum=rule["momentum"], weight_decay=rule["decay"])
        self.loss = nn.CrossEntropyLoss()

    def run(self, steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            self.solver.zero_grad()
            loss = self.loss(self.net(self.pictures), self.labels)
            loss.backward()
            self.solver.step()
            loss.item()
        return time.perf_counter() - start


def peak_bytes() -> int:
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024


def tell(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    tasks = (json.loads(line) for line in sys.stdin)
    trainer = Trainer(next(tasks))
    parameters = sum(parameter.numel() for parameter in trainer.net.parameters())
    tell(parameters=parameters, versions={"PyTorch": torch.__version__})
    for task in tasks:
        if task["do"] == "run":
            tell(seconds=trainer.run(task["steps"]))
        else:
            tell(bytes=peak_bytes())


if __name__ == "__main__":
    main()
