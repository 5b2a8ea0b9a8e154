"""What the text encoders share: the contract.

A text encoder turns class names into class embeddings c(y). It is a module with three things:

    class Settings(EncoderSettings)
        Its keys below `semantics.encoder` in params.yaml.
    def inputs(settings) -> dict[str, Path]
        The files that it reads, by name. They become inputs of the stage `embeddings`. A file that a setting names has
        the setting's name. The first one is named in messages.
    def encode(classes, tokens, settings) -> ClassEmbeddings
        The embeddings of class names, float32 (classes, settings.dimension), by the same rule for every name.

Equal inputs give equal bytes. A class that cannot be embedded is reported in `dropped` with the words that the encoder
does not know; `settings.missing` then decides (`aurl.semantics.embedding`). The module's top level imports no heavy
library, because it is imported whenever params.yaml is read. A new encoder is one file in this folder, or a module
from outside the package that `semantics.encoder.name` names with a dot: `my_package.my_encoder`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from aurl.experiment.parts import ENCODERS, encoder_files
from aurl.experiment.settings import EncoderSettings
from aurl.system.plugins import load
from aurl.system.shipped import TOKEN_TABLE, VERB_EXCEPTIONS, VERB_LEMMAS

if TYPE_CHECKING:
    from aurl.semantics.classes import ClassEmbeddings

__all__ = ["TOKEN_FILES", "Encoder", "EncoderSettings", "first_file", "load_encoder"]


TOKEN_FILES = {"token_table": TOKEN_TABLE, "verb_lemmas": VERB_LEMMAS, "verb_exceptions": VERB_EXCEPTIONS}
# the files that `aurl.semantics.tokens.class_tokens` reads: inputs of every encoder that calls it


class Encoder(Protocol):
    """A module that embeds class names."""

    def inputs(self, settings: Any) -> dict[str, Path]:
        """List the files that the encoder reads, by name."""

    def encode(self, classes: list[str], tokens: str, settings: Any) -> "ClassEmbeddings":
        """Embed class names.

        Args:
            classes: at least one, each once.
            tokens: the dataset's source of tokens (`datasets.NAME.tokens`), for encoders of words.
        Raises: AurlError for a file that cannot be used, or a name without words.
        """


def load_encoder(settings: EncoderSettings) -> Encoder:
    """Import the encoder that the settings name. Raises: AurlError for an unknown one."""
    return cast(Encoder, load(ENCODERS, settings.name))


def first_file(settings: EncoderSettings) -> str:
    """Name an encoder in messages: its first file, or its own name if it reads none."""
    return str(next(iter(encoder_files(settings).values()), settings.name))
