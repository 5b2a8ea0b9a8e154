"""The data files that come with the repository."""

from pathlib import Path

TOKEN_TABLE = Path("data/class_tokens.csv")
VERB_LEMMAS = Path("data/wordnet/verb_lemmas.txt")
VERB_EXCEPTIONS = Path("data/wordnet/verb.exc")
PUBLISHED = Path("data/published_results.csv")
TYPICAL_VIDEOS = Path("data/typical_videos.csv")
TEST_SPLITS = Path("data/test_splits.csv")
PREDICTIONS = {name: Path(f"data/authors_predictions_{name}.csv") for name in ("ucf101", "hmdb51")}
SOURCES = Path("data/sources.yaml")
