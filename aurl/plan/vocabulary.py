"""Check before anything runs that the text encoder knows the words of all classes."""

from collections.abc import Iterator, Mapping

from aurl.datasets.world import world_classes
from aurl.experiment.parts import FROM_NAMES, chosen_files
from aurl.experiment.settings import DatasetSettings, Experiment
from aurl.semantics.encoders.base import load_encoder
from aurl.semantics.tokens import read_token_table
from aurl.system.errors import AurlError
from aurl.system.progress import in_bytes
from aurl.system.shipped import TOKEN_TABLE

MOST_BYTES = 200 << 20  # of files that are read to check them
LISTED = 5


def unknown_words(experiment: Experiment, classes: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield a line for each dataset with classes that the encoder cannot embed.

    A large file is not read, and a line says so.

    Args:
        classes: names of each dataset's classes, as far as they are known.
    """
    encoder = experiment.semantics.encoder
    files = [path for path in chosen_files(encoder).values() if path.is_file()]
    if len(files) < len(chosen_files(encoder)):
        return  # said as missing
    if size := sum(path.stat().st_size for path in files if path.stat().st_size > MOST_BYTES):
        yield f"words of the classes: not checked, since the vectors have {in_bytes(size)}; the stage embeddings does it"
        return
    for name, names in classes.items():
        try:
            dropped = (
                load_encoder(encoder).encode(names, experiment.dataset(name).tokens, encoder).dropped if names else {}
            )
        except AurlError as error:
            yield f"{name}: {error}"
            return
        if dropped:
            words = sorted({word for own in dropped.values() for word in own})
            more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
            ends = "the run stops there" if encoder.missing == "error" else "they are left out"
            listed = ", ".join(map(repr, words[:LISTED]))
            yield f"{name}: the vectors do not know {listed}{more}, in {len(dropped)} of {len(names)} classes; {ends}"


def expected_classes(settings: DatasetSettings) -> list[str]:
    """Name the classes of a dataset that is not here, or is rendered; empty where they are not known."""
    if settings.source.render is not None:
        return [shown.name for shown in world_classes(settings.source.render)]
    return [] if settings.tokens in FROM_NAMES else sorted(read_token_table(TOKEN_TABLE, settings.tokens))
