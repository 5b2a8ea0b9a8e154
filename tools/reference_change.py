"""What a change of the code did to `mini`'s reference results: their metrics.csv here and at another commit.

    python tools/reference_change.py COMMIT     # prints Markdown

Top-1 on all classes with one clip, mean and standard deviation over the seeds.
"""

import io
import subprocess
import sys

import pandas as pd

METRICS, FORMER = "docs/reference/mini/metrics.csv", "docs/reference/metrics.csv"  # its place in older commits


def top1(text: str) -> pd.Series:
    """(variant, test set) -> "mean ± standard deviation" of the seeds."""
    table = pd.read_csv(io.StringIO(text))
    chosen = table[(table.clips == 1) & (table.splits == 1)].groupby(["variant", "dataset"])["top1"]
    return chosen.mean().map("{:.1f}".format) + " ± " + chosen.std().map("{:.1f}".format)


def main() -> None:
    """Print both side by side."""
    listed = ["git", "ls-tree", "--full-tree", "--name-only", sys.argv[1], METRICS, FORMER]
    place = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()[0]
    shown = subprocess.run(["git", "show", f"{sys.argv[1]}:{place}"], capture_output=True, text=True, check=True)
    with open(METRICS) as now:
        both = pd.DataFrame({sys.argv[1]: top1(shown.stdout), "now": top1(now.read())})
    print(both.reset_index().to_markdown(index=False))


if __name__ == "__main__":
    main()
