"""Read and write the provenance blocks of a bundle.

What decided a job's results, without times and machine names.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aurl.audit.bundle.container import Container
from aurl.lineage.blocks import Block, Identity
from aurl.system.errors import AurlError

FIELDS = ("identity", "outputs")
_IDENTITY, _OUTPUTS = TypeAdapter(Identity), TypeAdapter(dict[str, str])


def block_record(block: Block) -> dict[str, Any]:
    """Return a block as the bundle holds it.

    Times, host and commit are left out: they differ from run to run.
    """
    return {"identity": asdict(block.identity), "outputs": dict(block.outputs)}


def read_blocks(container: Container, folder: str) -> dict[str, Block]:
    """Read every block below a folder of the bundle: name of its file -> block.

    Raises: AurlError for a file that is no block.
    """
    names = [name for name in container.names if name.startswith(folder)]
    return {name: _parse(container, name, container.json(name)) for name in names}


def makers_of(blocks: Mapping[str, Block]) -> dict[str, Block]:
    """Map every output to the block of its job."""
    return {path: block for block in blocks.values() for path in block.outputs}


def _parse(container: Container, name: str, raw: Any) -> Block:
    try:
        if not isinstance(raw, dict) or set(raw) != set(FIELDS):
            raise ValueError("it does not consist of identity and outputs")
        identity = _IDENTITY.validate_json(json.dumps(raw["identity"]), strict=True)
        outputs = _OUTPUTS.validate_python(raw["outputs"], strict=True)
    except (ValidationError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise AurlError(f"{container.path}: {name}: no provenance block ({reason})") from None
    return Block(identity, outputs, {"seconds": 0})
