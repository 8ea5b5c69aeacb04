"""The classic nets: they are the published ones, and the command that writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processes import python, run

from barista.net import prototxt, solver, source
from barista.plan import coverage
from barista.zoo import catalog as nets


def written(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "barista.zoo", *map(str, arguments)])


@pytest.mark.parametrize("name", nets.NETS)
def test_its_solver_is_ready_for_training_but_for_data(name: str, tmp_path: Path) -> None:
    """Read and upgraded, with every type, value and file but data's as Caffe takes it."""
    ready = solver.ready(source.open_solver(nets.write(name, tmp_path / "net.prototxt")), data=False)
    assert ready.train_net.origin == tmp_path / "net.prototxt"
    data = {layer.top[0] for layer in ready.train_net.message.layer if layer.type == "Data"}
    assert data == set(nets.example(name).images)
    assert ready.settings.snapshot_prefix == str(tmp_path / "net")


# What is learned, and multiply-adds of an image forward: from the papers where they say them, else from the authors' models.
# GoogLeNet's are those of training, with its auxiliary classifiers.
PUBLISHED = {
    "lenet": (431_080, 2_293_000),
    "cifar10_quick": (145_578, 12_354_176),
    "cifar10_full": (89_578, 12_298_240),
    "mnist_autoencoder": (2_837_314, 2_833_000),
    "mnist_siamese": (431_102, 4_586_040),
    "alexnet": (60_965_224, 724_406_816),
    "caffenet": (60_965_224, 724_406_816),
    "nin": (7_595_176, 1_100_188_800),
    "vgg16": (138_357_544, 15_470_264_320),
    "googlenet": (13_378_280, 1_591_044_096),
    "fcn8s": (134_489_759, 181_529_034_048),
    "resnet20": (269_722, 40_551_040),
    "resnet50": (25_557_032, 3_857_973_248),
    "squeezenet": (1_235_496, 387_747_520),
    "mobilenet": (4_231_976, 568_740_352),
}


@pytest.mark.parametrize("name", nets.NETS)
def test_it_is_the_published_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    nets.write(name, path)
    [found] = coverage.cover([path], nets.example(name).images)
    batch = next(layer.data_param.batch_size for layer in nets.example(name).net.layer if layer.type == "Data")
    assert (found.parameters, found.multiply_adds / batch) == PUBLISHED[name]


def test_vgg_is_covered_without_a_pass(tmp_path: Path) -> None:
    """Its weights take half a gigabyte, a forward pass of its batch four more."""
    nets.write("vgg16", tmp_path / "net.prototxt")
    result = python(
        """
        import resource, sys
        from pathlib import Path
        from barista.plan import coverage

        list(coverage.cover([Path(sys.argv[1])]))
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        """,
        tmp_path / "net.prototxt",
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 1_000_000  # kilobytes


def test_the_command_writes_net_and_solver(tmp_path: Path) -> None:
    result = written("resnet20", "-o", tmp_path / "mine.prototxt")
    assert (result.returncode, result.stderr) == (0, "")
    assert prototxt.read_net(tmp_path / "mine.prototxt") == nets.example("resnet20").net
    assert prototxt.read_solver(tmp_path / "mine_solver.prototxt").net == str(tmp_path / "mine.prototxt")


def test_without_a_file_the_net_goes_to_standard_output() -> None:
    result = written("squeezenet")
    assert result.returncode == 0
    assert prototxt.parse(result.stdout, prototxt.Kind.NET, "stdout") == nets.example("squeezenet").net


def test_the_list_has_a_line_a_net() -> None:
    lines = written("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(nets.NETS)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "no net is named; say one of lenet, "),
        (("resnet5",), "net 'resnet5': there is lenet, "),
        (("lenet", "-o", "/nowhere/net.prototxt"), "/nowhere/net.prototxt: cannot be written: no such file or directory"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = written(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith(f"barista.zoo: {sentence}")
