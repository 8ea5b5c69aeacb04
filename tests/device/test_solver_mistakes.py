"""Solvers that are wrong, odd, or refused by stock Caffe: one sentence each."""

from __future__ import annotations

import subprocess

import pytest
from processes import stock_tool
from solver_folder import FIXED, NET, Folder, made

from barista import paths
from barista.errors import BaristaError
from barista.rewrite.placement import Selection

THE_NET = 'net: "net.prototxt"'
NET_AND = f"{THE_NET} {FIXED}"
MISTAKES = [
    (FIXED, "no train net is given; exactly one of net, net_param, train_net, train_net_param is expected"),
    (f'{NET_AND} train_net: "train.prototxt"', "both net and train_net are given; exactly one of"),
    (f'net: "nowhere.prototxt" {FIXED}', "net 'nowhere.prototxt': no such file from"),
    (f'{NET_AND} type: "Sgd"', "type 'Sgd': Caffe has AdaDelta, AdaGrad, Adam, Nesterov, RMSProp, SGD"),
    (f'{NET_AND} type: "SGD" solver_type: SGD', "both solver_type and type are given; type alone is the present form"),
    (f"{THE_NET} max_iter: 2 base_lr: 0.1", "lr_policy is missing; it is one of fixed, step, exp"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "setp"', "sigmoid; did you mean 'step'?"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "step"', "stepsize is missing: lr_policy 'step' needs one above 0"),
    (
        f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "sigmoid" stepsize: -1',
        "stepsize: -1: lr_policy 'sigmoid' needs one above 0",
    ),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "exp" gamma: -1', "gamma: -1: must not be negative"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "inv" gamma: nan', "gamma: nan: must not be negative"),
    (f"{NET_AND} test_iter: 1", "test_interval: 0: must be above 0 where there are test nets"),
    (f'{NET_AND} test_net: "test.prototxt"', "0 test_iter for 1 test nets; one for each is expected"),
    (
        f'train_net: "train.prototxt" {FIXED} test_iter: 1 test_interval: 1',
        "1 test_iter for 0 test nets; one for each is expected",
    ),
    (
        f"{NET_AND} test_iter: [1, 1] test_interval: 1 test_state {{ }}",
        "1 test_state for 2 test nets; none, or one for each, is expected",
    ),
    (f'{NET_AND} type: "AdaGrad" momentum: 0.9', "momentum: 0.9: AdaGrad takes none"),
    (f'{NET_AND} type: "RMSProp" rms_decay: 1', "rms_decay: 1: must be at least 0 and below 1"),
    (f"{NET_AND} average_loss: 0", "average_loss: 0: must be at least 1"),
    (f"{NET_AND} iter_size: 0", "iter_size: 0: the mean loss of no batches is no number"),
    (f'{NET_AND} regularization_type: "L3" weight_decay: 0.1', "regularization_type 'L3': it is L1 or L2"),
    (f'{NET_AND} snapshot_prefix: "nowhere/snap"', "snapshot_prefix 'nowhere/snap': there is no folder"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES)
def test_a_mistake_in_a_solver_is_one_sentence(folder: Folder, text: str, sentence: str) -> None:
    path = folder.write("solver.prototxt", text)
    with pytest.raises(BaristaError) as raised:
        made(path)
    assert str(raised.value).startswith("solver.prototxt: ")
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


# What stock Caffe trains, and the note on it.
ODD = [
    (f'{THE_NET} max_iter: 2 lr_policy: "fixed"', "base_lr is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "poly"', "power is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "inv" power: 1', "gamma is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "step" stepsize: 1', "gamma is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "multistep"', "gamma is not given: 0 is used"),
    (f"{THE_NET} base_lr: 0.1", ""),  # no iteration, so that no lr_policy is asked for
    (f"{NET_AND} gamma: -1", ""),
    (f"{NET_AND} iter_size: -1", "iter_size: -1: no batch is taken"),
    (f'{NET_AND} regularization_type: "L3"', "regularization_type 'L3': Caffe has L1 and L2"),
    (f"{NET_AND} test_iter: 0 test_interval: 1", "test_iter: 0: test net 0 is given no batch"),
    (f'{NET_AND} snapshot_prefix: "nowhere/snap" snapshot_after_train: false', "nowhere; the solver asks for no snapshot"),
]


@pytest.mark.parametrize(("text", "note"), ODD)
def test_what_stock_caffe_accepts_is_accepted(folder: Folder, text: str, note: str) -> None:
    """The stock tool trains the very same solver, so that this list can't say more than is so."""
    read = made(folder.write("solver.prototxt", text))
    assert any(note in said for said in read.notes) or (not note and not read.notes)
    binary = paths.caffe_installation().binary
    if binary is not None:
        done = subprocess.run([binary, "train", "-solver", "solver.prototxt"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


# What is refused above, as far as the words are not Caffe's own: the stock tool ends with the same solver.
REFUSED = [
    "lr_policy is missing",
    "stepsize is missing",
    "stepsize: -1",
    "gamma: -1",
    "gamma: nan",
    "regularization_type",
    "momentum",
]


@pytest.mark.parametrize("problem", REFUSED)
def test_what_is_refused_stock_caffe_aborts_on(folder: Folder, problem: str) -> None:
    binary = stock_tool()
    [text] = [text for text, sentence in MISTAKES if sentence.startswith(problem)]
    folder.write("solver.prototxt", text)
    done = subprocess.run([binary, "train", "-solver", "solver.prototxt"], capture_output=True, text=True, check=False)
    assert done.returncode < 0


def test_layers_that_no_net_is_made_with_may_be_of_any_type(folder: Folder) -> None:
    folder.write("net.prototxt", NET + 'layer { name: "other" type: "Mine" bottom: "ip" top: "x" include { phase: TEST } }')
    made(folder.solver('net: "net.prototxt"'))
    with pytest.raises(BaristaError, match="layer 'other': this Caffe has no layer type 'Mine'"):
        made(folder.solver('net: "net.prototxt" test_iter: 1 test_interval: 1'))


def test_weights_that_others_take_the_place_of_need_not_be_there(folder: Folder) -> None:
    path = folder.solver('net: "net.prototxt" weights: "gone.caffemodel"')
    assert not made(path, weights=()).param.weights


def test_a_mistake_in_a_net_names_the_net(folder: Folder) -> None:
    folder.write("bad.prototxt", 'layer {\n  name: "a"\n  tpye: "ReLU"\n}')
    with pytest.raises(BaristaError, match=r"^bad.prototxt:3:3: LayerParameter has no field 'tpye'; did you mean 'type'\?$"):
        made(folder.solver('net: "bad.prototxt"'))
    folder.write("bad.prototxt", 'layer { name: "a" type: "Relu" }')
    with pytest.raises(
        BaristaError, match=r"^bad.prototxt: layer 'a': this Caffe has no layer type 'Relu'; did you mean 'ReLU'\?$"
    ):
        made(folder.solver('net: "bad.prototxt"'))


def test_a_pattern_may_match_in_any_net_but_must_in_one(folder: Folder) -> None:
    folder.write("test.prototxt", NET.replace('"ip"', '"fc"'))
    path = folder.solver('train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 1 test_interval: 1')
    made(path, Selection(only=("ip", "fc")))
    with pytest.raises(BaristaError, match=r"^solver.prototxt: --only 'conv1' matches no layer"):
        made(path, Selection(only=("ip", "conv1")))
