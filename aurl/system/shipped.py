"""Name the data files that come with the repository, and find them in an installed package.

The stages read them by their paths below the repository's root, which DVC and the provenance name. A wheel holds the
same files below `aurl/data` (in the repository a link to `data`): `packaged` finds them from any folder.
"""

from pathlib import Path

TOKEN_TABLE = Path("data/class_tokens.csv")
VERB_LEMMAS = Path("data/wordnet/verb_lemmas.txt")
VERB_EXCEPTIONS = Path("data/wordnet/verb.exc")
PUBLISHED = Path("data/published_results.csv")
PUBLISHED_METHODS = Path("data/published_methods.csv")
TYPICAL_VIDEOS = Path("data/typical_videos.csv")
TEST_SPLITS = Path("data/test_splits.csv")
RENDERED_WORLD = Path("data/rendered_world.csv")
WORD_VECTORS = Path("data/googlenews_action_subset.bin")
SOURCES = Path("data/sources.yaml")
PROTOCOL_LISTS = Path("data/protocols")
TEST_SET_VIDEOS = Path("data/test_sets")
PREDICTIONS = "data/authors_predictions_*.csv"

_PACKAGE = Path(__file__).resolve().parents[1]


def videos_of(test_set: str) -> Path:
    """Name the file of a test set's videos, with their classes and official lists."""
    return TEST_SET_VIDEOS / f"{test_set}.csv.gz"


def packaged(path: Path) -> Path:
    """Find a shipped file from any folder, in the installed package or in the clone."""
    installed = _PACKAGE / path
    return installed if installed.exists() else _PACKAGE.parent / path
