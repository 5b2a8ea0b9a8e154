"""Name the data files that come with the repository."""

from pathlib import Path

TOKEN_TABLE = Path("data/class_tokens.csv")
VERB_LEMMAS = Path("data/wordnet/verb_lemmas.txt")
VERB_EXCEPTIONS = Path("data/wordnet/verb.exc")
PUBLISHED = Path("data/published_results.csv")
TYPICAL_VIDEOS = Path("data/typical_videos.csv")
TEST_SPLITS = Path("data/test_splits.csv")
SOURCES = Path("data/sources.yaml")
PREDICTIONS = "data/authors_predictions_*.csv"


def predictions() -> dict[str, Path]:
    """Map each test set, by its published name in lower case, to the file of the authors' predictions."""
    prefix = PREDICTIONS.split("*")[0]
    return {str(path.with_suffix("")).removeprefix(prefix): path for path in sorted(Path().glob(PREDICTIONS))}
