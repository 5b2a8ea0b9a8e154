"""Read a foreign checkpoint: torch's zip format, its older one (before 1.6), or safetensors.

A file of torch.save holds a pickle, which is a program. `torch.load(weights_only=True)` carries out only operations
that build plain values and tensors. Two checks come before it, and neither runs anything: the pickle may name no
function or class but those of `ALLOWED`, and an archive may claim no more bytes than the file has.
"""

import argparse
import io
import pickletools  # nosec B403
import re
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from aurl.system.errors import AurlError, one_line

MOST_PICKLE_BYTES = 4 << 20  # that of R(2+1)D-18 with both projectors has 0.1 MiB
MOST_TUPLES = 50_000  # nested deeper, a key would overflow the stack of C; that network's pickle has 3,000
ZIP_MAGIC = b"PK\x03\x04"
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number as a pickle
LEGACY_PICKLES = 5  # magic number, version, machine, value, keys of the storages
ALLOWED = re.compile(
    r"torch\.(Size|device|\w+Storage|_utils\._rebuild_(tensor|tensor_v2|parameter))|argparse\.Namespace"
    r"|collections\.OrderedDict|_codecs\.encode|numpy\.dtype|numpy\.(core|_core)\.multiarray\.scalar"
)
SCALAR = np.float64(0).__reduce__()[0]  # the function that rebuilds a numpy number
BESIDE_TENSORS: list[Any] = [  # what published files hold beside tensors; torch allows none of it by itself
    argparse.Namespace,
    np.dtype,
    *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"),
    (SCALAR, "numpy.core.multiarray.scalar"),  # as numpy 1 names it
    (SCALAR, "numpy._core.multiarray.scalar"),
]


class NotNeededError(Exception):
    """Report a pickle that names a function or class that no weights need."""


@dataclass(frozen=True)
class Checkpoint:
    """Hold tensors by name on the CPU, as stored (some share memory), and the plain integers beside them."""

    tensors: dict[str, Tensor]
    numbers: dict[str, int]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint's state dict: its mapping `state_dict`, or the whole file if it has none.

    Raises: AurlError if the file is missing, damaged, of another kind, names something that no weights need, or
        holds no state dict.
    """
    if not path.is_file():
        raise AurlError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; give the file of weights itself")
    with path.open("rb") as handle:
        begin = handle.read(512)
    try:
        if begin.startswith(ZIP_MAGIC):
            check_archive(path)
            return state_of(load_plain(path))
        if begin.startswith(LEGACY_MAGIC):
            with path.open("rb") as handle:
                check_pickles(handle.read(MOST_PICKLE_BYTES), LEGACY_PICKLES)
            return state_of(load_plain(path))
        if begin[8:9] == b"{":
            with safe_open(path, framework="pt") as opened:
                return state_of({name: opened.get_tensor(name) for name in opened.keys()})  # noqa: SIM118
    except NotNeededError as error:
        raise AurlError(f"{path}: not a usable file of weights ({error})") from None
    except Exception as error:  # zipfile, pickletools, torch and safetensors each raise their own
        raise AurlError(f"{path}: not a usable file of weights ({_reason(error)}); fetch it again") from None
    if not begin:
        problem = "the file is empty"
    elif begin.lstrip().startswith(b"<"):
        problem = "it is a web page: the server asked something instead of sending the file"
    else:
        problem = "neither a file of torch.save nor safetensors"
    raise AurlError(f"{path}: not a usable file of weights ({problem}); fetch it again")


def load_plain(path: Path) -> Any:
    """Load a file of torch.save that holds plain values and tensors only; nothing in it is executed."""
    with torch.serialization.safe_globals(BESIDE_TENSORS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on a pickle's protocol, and on big-endian files
        return torch.load(path, map_location="cpu", weights_only=True)


def check_archive(path: Path) -> None:
    """Check sizes, checksums and pickle of a torch.save archive. Raises: ValueError, BadZipFile."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("its entries are compressed, those of torch.save are not")
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise ValueError("its entries claim to be larger than the file")
        if max(Counter(entry.filename.lower() for entry in entries).values(), default=0) > 1:
            raise ValueError("it has an entry twice")
        pickles = [entry for entry in entries if entry.filename.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise ValueError("a zip archive, but not one of torch.save: it has no data.pkl")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"Bad CRC-32 of {damaged[:60]}")
        if pickles[0].file_size > MOST_PICKLE_BYTES:
            raise ValueError(f"its pickle is longer than {MOST_PICKLE_BYTES >> 20} MiB")
        check_pickles(archive.read(pickles[0]), 1)


def check_pickles(content: bytes, number: int) -> None:
    """Check the names and the depth of the first pickles, without running them. Raises: ValueError."""
    stream, tuples = io.BytesIO(content), 0
    for _ in range(number):
        for operation, argument, _ in pickletools.genops(stream):
            tuples += operation.name.startswith("TUPLE")
            if operation.name in ("GLOBAL", "INST"):
                check_global(str(argument).replace(" ", "."))
            elif operation.name == "STACK_GLOBAL":
                raise ValueError("its pickle uses STACK_GLOBAL; save it again with torch.save's own protocol, 2")
    if tuples > MOST_TUPLES:
        raise ValueError(f"its pickle has {tuples} tuples, which no weights need")


def check_global(name: str) -> None:
    """Refuse a function or class that weights do not need. Raises: NotNeededError."""
    if not ALLOWED.fullmatch(name):
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[:100])
        raise NotNeededError(
            f"its pickle names {shown}, which no weights need and which is not run; if you trust the file, load it with"
            " torch yourself, and save its state_dict alone"
        )


def state_of(value: Any) -> Checkpoint:
    """Take the state dict out of a loaded value. Raises: ValueError for none, or a strange tensor."""
    whole = {name: item for name, item in value.items() if isinstance(name, str)} if isinstance(value, dict) else {}
    state = whole.get("state_dict", whole)
    if not isinstance(state, dict):
        raise ValueError("its state_dict is no mapping")
    tensors = {
        name: item.detach() for name, item in state.items() if isinstance(name, str) and isinstance(item, Tensor)
    }
    if not tensors:
        raise ValueError("it holds no tensors by name")
    for name, tensor in tensors.items():
        if not name.isprintable() or len(name) > 200:
            raise ValueError("a tensor's name is too long or not printable")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():  # strides of 0
            raise ValueError(f"tensor {name} of shape {list(tensor.shape)[:8]} passes the end of its storage")
    return Checkpoint(tensors, {name: item for name, item in whole.items() if type(item) is int and abs(item) < 2**62})


def _reason(error: Exception) -> str:
    """Word an error as one printable line: of torch's many lines the first."""
    if isinstance(error, KeyError | IndexError | TypeError | AttributeError | AssertionError):
        return f"its pickle is malformed ({type(error).__name__})"
    text = str(error).rpartition("WeightsUnpickler error: ")[2].strip()
    line = (text.splitlines() or [type(error).__name__])[0]
    return "".join(letter if letter.isprintable() else "?" for letter in one_line(line))
