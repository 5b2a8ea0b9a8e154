"""Top-1 of `mini` by the colour in the class name: what the swapped channels of the HMDB-like set do.

    python tools/colours.py            # after the run, where results/mini lies

All classes, one clip, mean over the seeds; prints Markdown and writes benchmarks/measured/colours.md.
"""

from pathlib import Path

import pandas as pd

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics import cosine_similarity
from aurl.experiment.presets import load_preset
from aurl.pipeline.paths import ResultPaths

OUTPUT = Path("benchmarks/measured/colours.md")


def top1_by_colour(path: Path) -> pd.Series:
    """Compute top-1 in percent by colour for one features file."""
    features = read_features(path)
    predicted = cosine_similarity(features.videos[1], features.classes).argmax(dim=1)
    colours = [features.class_names[label].split()[0] for label in features.labels.tolist()]
    return 100 * pd.Series((predicted == features.labels).float().tolist(), index=colours).groupby(level=0).mean()


def main() -> None:
    """Print and write one table for each test set."""
    experiment = load_preset("mini")
    paths = ResultPaths(experiment.experiment)
    parts = []
    for dataset in experiment.unseen:
        table = {
            variant: sum(top1_by_colour(paths.features(variant, seed, dataset)) for seed in experiment.seeds)
            / len(experiment.seeds)
            for variant in experiment.variants
        }
        parts.append(f"{dataset}\n\n{pd.DataFrame(table).sort_index().round(1).to_markdown()}\n")
    OUTPUT.write_text("\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    main()
