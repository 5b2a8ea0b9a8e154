"""Top-1 of `mini` by the colour in the class name: what the swapped channels of the HMDB-like set do.

    python tools/colours.py            # after the run, where results/mini lies

All classes, one clip, mean over the seeds; prints Markdown and writes tools/colours.md.
"""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics import cosine_similarity
from aurl.experiment.read import load_experiment
from aurl.pipeline.paths import ResultPaths

OUTPUT = Path("tools/colours.md")


def top1_by_colour(path: Path) -> dict[str, float]:
    """Colour -> top-1 in percent of one features file."""
    features = read_features(path)
    predicted = cosine_similarity(features.videos[1], features.classes).argmax(dim=1)
    hits = defaultdict(list)
    for right, label in zip((predicted == features.labels).tolist(), features.labels.tolist(), strict=True):
        hits[features.class_names[label].split()[0]].append(right)
    return {colour: 100 * sum(found) / len(found) for colour, found in hits.items()}


def main() -> None:
    """Print one table for each test set."""
    experiment = load_experiment(Path("presets/mini.yaml"))
    paths = ResultPaths(experiment.experiment)
    parts = []
    for dataset in experiment.unseen:
        table = pd.DataFrame(
            {
                variant: pd.DataFrame(
                    [top1_by_colour(paths.features(variant, seed, dataset)) for seed in experiment.seeds]
                ).mean()
                for variant in experiment.variants
            }
        )
        parts.append(f"{dataset}\n\n{table.sort_index().round(1).to_markdown()}\n")
    OUTPUT.write_text("\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    main()
