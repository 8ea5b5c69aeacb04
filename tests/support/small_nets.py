"""A small net of every layer that runs on the device, and a solver for it, which need no data: for tests that run Caffe itself."""

from __future__ import annotations

from pathlib import Path

# Pictures that do not change from run to run, and labels that can be learnt by heart.
NET = """
name: "small"
layer {{ name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {{
    shape {{ dim: 5 dim: 2 dim: 9 dim: 8 }} shape {{ dim: 5 }}
    data_filler {{ type: "uniform" min: -1 max: 1 }} data_filler {{ type: "constant" value: 1 }} }} }}
layer {{ name: "conv1" type: "{prefix}Convolution" bottom: "data" top: "conv1" param {{ lr_mult: 1 }} param {{ lr_mult: 2 }}
  convolution_param {{ num_output: 6 kernel_size: 3 pad: 1 stride: 2 group: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu1" type: "{prefix}ReLU" bottom: "conv1" top: "conv1" }}
layer {{ name: "pool1" type: "{prefix}Pooling" bottom: "conv1" top: "pool1"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "pool2" type: "{prefix}Pooling" bottom: "pool1" top: "pool2" pooling_param {{ pool: AVE kernel_size: 3 pad: 1 }} }}
layer {{ name: "ip1" type: "{prefix}InnerProduct" bottom: "pool2" top: "ip1" param {{ lr_mult: 1 }} param {{ lr_mult: 2 }}
  inner_product_param {{ num_output: 4 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" }}
"""
SOLVER = """
net: "{net}" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 20 display: 10
snapshot: 20 snapshot_prefix: "{prefix}" random_seed: 7 solver_mode: CPU
"""


def write(folder: Path, on_device: bool) -> tuple[Path, Path]:
    """Writes net and solver into `folder`; returns the solver, and the weights that 20 iterations of it will leave."""
    folder.mkdir(exist_ok=True)
    net, solver = folder / "net.prototxt", folder / "solver.prototxt"
    net.write_text(NET.format(prefix="FPGA" if on_device else ""))
    solver.write_text(SOLVER.format(net=net, prefix=folder / "small"))
    return solver, folder / "small_iter_20.caffemodel"


def weights(path: Path) -> dict[str, list[float]]:
    """Every parameter of a .caffemodel, by layer and number."""
    from barista.net import schema

    net = schema.new("NetParameter")
    net.ParseFromString(path.read_bytes())
    return {f"{layer.name}/{i}": list(blob.data) for layer in net.layer for i, blob in enumerate(layer.blobs)}
