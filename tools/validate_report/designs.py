"""The public designs that the checker's figures are held against, and how each is brought into the cache.

A design is a report that Intel's compiler wrote of somebody's kernels, at one commit of a public repository. Nothing of it is
part of Barista: `fetch_report` has git bring the report's few files to `$BARISTA_CACHE/designs/`. The text that was compiled is
in the report itself (`published.read_sources`), and so are aoc's version and options.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from barista.errors import BaristaError
from barista.paths import cache_dir
from tools.validate_report.published import REPORT_FILES


@dataclass(frozen=True)
class Design:
    """One report. `fitted` says whether a figure or a rule of the checker came of it, or of a variant of its program.

    The others are held out: they judge, since nothing was taken from them, whatever the checker says of them.
    """

    name: str
    address: str
    commit: str
    report: str  # the folder that aoc names `reports`, from the repository's root
    kernel: str  # the OpenCL file, likewise; where several were compiled, their folder
    family: str
    board: str
    aoc: str
    fitted: bool = True
    single_work_item: bool = True  # False where a kernel is NDRange


def _t2sp(program: str, chip: str) -> Design:
    """T2SP's systolic arrays: channels, banked memories, shift registers, dot products; placed by Quartus. BSD+Patent licence."""
    folder = f"t2s/tests/performance/{program}" + (f"/bitstream/{chip}" if program != "gbmv3" else "")
    family, board, aoc = {"a10": ("Arria 10", "pac_a10", "19.4.0"), "s10": ("Stratix 10", "pac_s10_dc", "19.2.0")}[chip]
    return Design(
        name=f"t2sp-{program}-{chip}",
        address="https://github.com/IntelLabs/t2sp",
        commit="5c249cfe86ce0afe86052eb7ac972ff284843cd0",
        report=f"{folder}/a/reports" if program != "gbmv3" else f"{folder}/reports",
        kernel=f"{folder}/a.cl",
        family=family,
        board=f"dcp_bsp:{board}",
        aoc=aoc,
    )


def _paderborn(kernel: str, fitted: bool = True, single_work_item: bool = True) -> Design:
    """Small kernels for a BittWare 520N, one technique each. MIT licence."""
    return Design(
        name=f"paderborn-{kernel}",
        address="https://github.com/kenter/OpenCL-FPGA-examples",
        commit="26060211fa6f1cad6c615afc954f0aa6becc26a7",
        report=f"reportIntel/{kernel}/reports",
        kernel=f"device/{kernel}.cl",
        family="Stratix 10",
        board="nalla_pcie:p520_max_sg280l",
        aoc="18.1.1",
        fitted=fitted,
        single_work_item=single_work_item,
    )


def _gridding(branch: str, commit: str) -> Design:
    """Steps of making one radio-astronomy kernel faster: loads of every kind, long intervals, ivdep. BSD 3-clause licence."""
    kernel = "gridding_kernels" if branch.startswith("v_ref") else "gridding_kernels_tile"
    return Design(
        name=f"gridding-{branch}",
        address="https://github.com/OxfordSKA/FPGA_Gridding",
        commit=commit,
        report=f"{kernel}/reports",
        kernel=f"{kernel}.cl",
        family="Arria 10",
        board="a10_ref:a10gx",
        aoc="17.1.1",
    )


def _convolution(name: str, report: str) -> Design:
    """A convolution of many autorun kernels, as three sets of -D options have it. No licence is stated."""
    return Design(
        name=f"convolution-{name}",
        address="https://github.com/fingersnail/fccm-ttm-experiments-vlab",
        commit="c9f563f1950ee97d97c78e94a846f85215900ef4",
        report=f"conv3-64/{report}",
        kernel="conv3-64.cl",
        family="Arria 10",
        board="dcp_bsp:pac_a10",
        aoc="17.1.1",
    )


def _clbool(name: str, report: str) -> Design:
    """NDRange kernels for sparse boolean matrices: barriers, many units, replication; placed by Quartus. No licence is stated."""
    return Design(
        name=f"clbool-{name}",
        address="https://github.com/mkarpenkospb/clBool",
        commit="c1f493c03d3232a96812204f6c5a33e3d4d6ed8d",
        report=f"fpga_reports/{report}",
        kernel="src/cl/fpga",
        family="Arria 10",
        board="euler2:line_high",
        aoc="20.4.0",
        single_work_item=False,
    )


DESIGNS = (
    _t2sp("conv", "a10"),
    _t2sp("conv", "s10"),
    _t2sp("pairhmm", "a10"),
    _t2sp("pairhmm", "s10"),
    _t2sp("gemm", "a10"),
    _t2sp("gemm", "s10"),
    _t2sp("capsule", "a10"),
    _t2sp("capsule", "s10"),
    _t2sp("gbmv3", "a10"),
    _paderborn("SAXPY1"),
    _paderborn("SAXPY2_block"),
    _paderborn("SAXPY3_ivdep"),
    _paderborn("SAXPY4_dataflow"),
    _paderborn("SAXPY5_streaming"),
    _paderborn("SAXPY6_streaming16"),
    _paderborn("matrix_mult", single_work_item=False),
    _paderborn("mmult", fitted=False),
    _paderborn("vscale1_vec"),
    _paderborn("vscale2_u"),
    _paderborn("vscale3_u16"),
    _paderborn("vscale4_u16_epi"),
    _paderborn("vscale5_short"),
    _gridding("v_ref", "4899ecd5a9429ce3977664d546f711ebbfa07a7c"),
    _gridding("v_ref_localKernel", "4800f19c62d522e231c3fa00e8b35f51e029b214"),
    _gridding("tile_v8", "c31704d1b1478e1b2a00cb0fc5533765e66a82da"),
    _gridding("git_tile_v8", "fa810ccbfe87df634e14f9118e75b24139f29326"),
    _gridding("tile_v9", "d90981b19bc9d4c71001ecd67d2197ff6a840684"),
    _gridding("v_tile", "2252045e8cef14a95cfda535e088aa1c9a93c679"),
    _gridding("tile_v2", "90c148561e97a2724c2af3455c26d156a84940eb"),
    _gridding("tile_v3", "ff1186e88d4a60d3f96b79a9ac03252270f60990"),
    _gridding("tile_v5", "b38ec36688c6d3a0e2cf19408ffb5bc2dd5a57b9"),
    _gridding("tile_v7", "7ef16f7e00173f8fdad03d8dd2e99bab5cc4ce9f"),
    _convolution("5x5", "reports2/reports"),
    _convolution("3x3", "reports3"),
    _convolution("array-only", "reports"),
    _clbool("prefix_sum", "prefix_sum/reports"),
    _clbool("prepare_positions", "prepare_positions/reports"),
    _clbool("set_positions", "set_positions/reports"),
    _clbool("multiplication", "mult_last_report"),
    _clbool("merge_path", "merge_path/reports"),
    Design(  # NDRange, unaligned loads, floating point in logic. No licence is stated.
        name="lenet5",
        address="https://github.com/amithyst/LeNet5_OpenCL_FPGA",
        commit="d8670f676303b4c7371e87c582021bb0d05b4bf2",
        report="reports",
        kernel="device/cnn.cl",
        family="Cyclone V",
        board="de10_nano:de10_nano_sharedonly",
        aoc="18.1.0",
        single_work_item=False,
    ),
)


def fetch_report(design: Design) -> Path:
    """The design's report folder in the cache; git brings it from `design.address` unless it is there already.

    Raises BaristaError where git cannot bring it.
    """
    checkout = cache_dir() / "designs" / f"{design.address.rsplit('/', 1)[1]}-{design.commit[:12]}"
    if not checkout.is_dir():
        _clone(design, checkout)
    report = checkout / design.report
    if not report.is_dir():
        raise BaristaError(f"design {design.name}: {report} is not in the clone; remove {checkout} to have it fetched anew")
    return report


def _clone(design: Design, checkout: Path) -> None:
    """Fetches one commit without history, and of its files only those that are read."""
    wanted = [other.report for other in DESIGNS if (other.address, other.commit) == (design.address, design.commit)]
    patterns = ["/" + os.path.normpath(f"{report}/{part}") for report in wanted for part in REPORT_FILES]
    checkout.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".fetching-", dir=checkout.parent))
    try:
        _git(design, unfinished, "init", "--quiet")
        _git(design, unfinished, "remote", "add", "origin", design.address)
        _git(design, unfinished, "sparse-checkout", "set", "--no-cone", *patterns)
        _git(design, unfinished, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", design.commit)
        _git(design, unfinished, "checkout", "--quiet", design.commit)
        unfinished.rename(checkout)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _git(design: Design, folder: Path, *arguments: str) -> None:
    """Runs git in `folder`; it never asks for a password."""
    try:
        subprocess.run(
            ["git", "-C", str(folder), *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError as error:
        raise BaristaError(f"design {design.name}: git is not installed; install git") from error
    except subprocess.CalledProcessError as error:
        told = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise BaristaError(
            f"design {design.name}: git cannot bring {design.address} at {design.commit[:12]} ({told}); connect to the network, or"
            f" point git at a copy with 'git config --global url.COPY.insteadOf {design.address}'"
        ) from error


def compile_options(command: str) -> tuple[str, ...]:
    """Of an aoc command, what changes the kernels: macros and floating-point modes ("-DKX=3", "-fpc", "-fp-relaxed")."""
    return tuple(word for word in shlex.split(command) if word.startswith(("-D", "-fp")))
