"""Read the tensors of a foreign checkpoint: torch's zip format, its older one (before 1.6), or safetensors.

The file may come from anywhere: its pickle is never run (`inert_pickle`), sizes are checked against the
file before anything of that size is read, and what is no tensor is not looked at.
"""

import functools
import io
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import safe_open
from torch import Tensor

from aurl.models.inert_pickle import OPAQUE, Name, read_pickle
from aurl.system.errors import AurlError

MAX_PICKLE_BYTES = 4 << 20  # that of R(2+1)D-18 with both projectors has 0.1 MiB
ZIP_MAGIC = b"PK\x03\x04"
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
LEGACY_BEGIN = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number as a pickle
DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name on the CPU, as stored (equal ones may share memory), and the plain integers beside them."""

    tensors: dict[str, Tensor]
    numbers: dict[str, int]


@dataclass(frozen=True)
class Storage:
    """A named run of numbers in the file."""

    key: str
    dtype: torch.dtype
    numel: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as the pickle describes it: a view of a storage; offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


ReadStorage = Callable[[Storage], bytearray]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint's state dict: the mapping `state_dict` inside it, or the whole if it has none.

    Raises: AurlError if the file is missing, damaged, of another kind, or holds no state dict.
    """
    if not path.is_file():
        raise AurlError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; give the file of weights itself")
    with path.open("rb") as handle:
        begin = handle.read(512)
    try:
        if begin.startswith(ZIP_MAGIC):
            with _zip_reader(path) as (value, read_storage):
                return _checkpoint(value, read_storage)
        if begin.startswith(LEGACY_BEGIN):
            with path.open("rb") as handle:
                return _checkpoint(*_legacy_reader(handle, path.stat().st_size))
        if begin[8:9] == b"{":
            return _read_safetensors(path)
    except Exception as error:  # whatever a damaged file makes of zipfile, safetensors and the readers here
        said = " ".join(str(error).split())[:300] or type(error).__name__
        reason = "".join(letter if letter.isprintable() else "?" for letter in said)
        raise AurlError(f"{path}: not a usable file of weights ({reason}); fetch it again") from None
    if not begin:
        what = "the file is empty"
    elif begin.lstrip().startswith(b"<"):
        what = "it is a web page: the server asked something instead of sending the file"
    else:
        what = "neither a file of torch.save nor safetensors"
    raise AurlError(f"{path}: not a usable file of weights ({what}); fetch it again")


@contextmanager
def _zip_reader(path: Path) -> Iterator[tuple[Any, ReadStorage]]:
    """The pickled value of a zip checkpoint, and what reads its storages."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its entries are compressed, those of torch.save are not")
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise ValueError("its entries claim to be larger than the file")
        pickles = [name for name in entries if name.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise ValueError("a zip archive, but not one of torch.save: it has no data.pkl")
        if entries[pickles[0]].file_size > MAX_PICKLE_BYTES:
            raise ValueError(f"its pickle is longer than {MAX_PICKLE_BYTES >> 20} MiB")
        folder = pickles[0].removesuffix("data.pkl")
        if folder + "byteorder" in entries and archive.read(folder + "byteorder") != b"little":
            raise ValueError("it was written on a big-endian machine")

        def read_storage(storage: Storage) -> bytearray:
            entry = entries.get(f"{folder}data/{storage.key}")
            if entry is None or entry.file_size != storage.numel * storage.dtype.itemsize:
                raise ValueError(f"storage {storage.key} should have {storage.numel} numbers of {storage.dtype}")
            return bytearray(archive.read(entry))

        yield read_pickle(io.BytesIO(archive.read(pickles[0])), _storage, _construct), read_storage


def _legacy_reader(handle: IO[bytes], size: int) -> tuple[Any, ReadStorage]:
    """The pickled value of a checkpoint from before torch 1.6, and what reads its storages.

    Five pickles (magic number, version, machine, value, storage keys), then every storage's length and bytes.
    """
    begin = io.BytesIO(handle.read(MAX_PICKLE_BYTES))
    storages: dict[str, Storage] = {}

    def persistent(identity: Any) -> Storage:
        storage = _storage(identity)
        if storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"it describes storage {storage.key} twice")
        return storage

    read = functools.partial(read_pickle, begin, persistent, _construct)
    magic, version, machine, value, keys = (read() for _ in range(5))
    if magic != LEGACY_MAGIC or version != LEGACY_PROTOCOL or not machine["little_endian"]:
        raise ValueError("of an unknown version, or written on a big-endian machine")
    places, position = {}, begin.tell()
    for key in keys:
        handle.seek(position)
        if int.from_bytes(handle.read(8), "little") != storages[key].numel:
            raise ValueError(f"storage {key} should have {storages[key].numel} numbers")
        places[key] = position + 8
        position += 8 + storages[key].numel * storages[key].dtype.itemsize
        if position > size:
            raise ValueError("it is cut short")

    def read_storage(storage: Storage) -> bytearray:
        handle.seek(places[storage.key])
        return bytearray(handle.read(storage.numel * storage.dtype.itemsize))

    return value, read_storage


def _read_safetensors(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as handle:
        return Checkpoint({_printable(name): handle.get_tensor(name) for name in handle.keys()}, {})  # noqa: SIM118


def _checkpoint(value: Any, read_storage: ReadStorage) -> Checkpoint:
    """Load the tensors of the state dict; every storage is read once."""
    whole = {name: item for name, item in value.items() if isinstance(name, str)} if isinstance(value, dict) else {}
    state = whole.get("state_dict", whole)
    if not isinstance(state, dict):
        raise ValueError("its state_dict is no mapping")
    stored = {
        _printable(name): item
        for name, item in state.items()
        if isinstance(name, str) and isinstance(item, StoredTensor)
    }
    if not stored:
        raise ValueError("it holds no tensors by name")
    flat: dict[Storage, Tensor] = {}
    for tensor in stored.values():
        if tensor.storage not in flat:
            flat[tensor.storage] = _flat(read_storage(tensor.storage), tensor.storage.dtype)
    tensors = {
        name: flat[tensor.storage].as_strided(tensor.shape, tensor.strides, tensor.offset)
        for name, tensor in stored.items()
    }
    return Checkpoint(tensors, {name: item for name, item in whole.items() if type(item) is int and abs(item) < 2**62})


def _printable(name: str) -> str:
    """A tensor's name, which may end up in a message. Raises: ValueError."""
    if not name.isprintable() or len(name) > 200:
        raise ValueError("a tensor's name is too long or not printable")
    return name


def _flat(content: bytearray, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)


def _storage(identity: Any) -> Storage:
    """A persistent id: ('storage', type, key, device, length), and in old files a sixth, None."""
    kind, storage_type, key, _, numel, *view = identity
    if kind != "storage" or not isinstance(storage_type, Name) or not isinstance(key, str) or view not in ([], [None]):
        raise ValueError("it describes a storage in an unknown way")
    if storage_type.path not in DTYPES:
        raise ValueError(f"it holds numbers of an unknown type ({storage_type.path[:60]})")
    return Storage(key, DTYPES[storage_type.path], _natural(numel))


def _construct(called: str, arguments: tuple[Any, ...]) -> Any:
    """The calls that rebuild a state dict; everything else is opaque."""
    match called:
        case "collections.OrderedDict" if not arguments:
            return {}
        case "torch.Size":
            return tuple(*arguments)
        case "torch._utils._rebuild_parameter":
            return arguments[0]
        case "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2":
            return _stored_tensor(*arguments[:4])
    return OPAQUE


def _stored_tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> StoredTensor:
    """Check that a tensor lies within its storage and is not larger than it."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError("it describes a tensor in an unknown way")
    sizes, steps, first = tuple(map(_natural, shape)), tuple(map(_natural, strides)), _natural(offset)
    last = first + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    if math.prod(sizes) > storage.numel or (0 not in sizes and last >= storage.numel):
        raise ValueError(
            f"a tensor of shape {list(sizes)[:8]} passes the end of its storage of {storage.numel} numbers"
        )
    return StoredTensor(storage, first, sizes, steps)


def _natural(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**62:
        raise ValueError("it states a size that is no natural number")
    return value
