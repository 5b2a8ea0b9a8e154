"""Frames, bytes and extraction time of a typical video of each dataset: data/typical_videos.csv, for `aurl plan`.

`python tools/typical_videos.py FOLDER`, where FOLDER holds real clips in the official layouts (AURL_REALVIDEO).
"""

import sys
from pathlib import Path

import pandas as pd

from aurl.datasets.ingest import find_videos
from aurl.plan.data import sample_videos
from aurl.system.shipped import TYPICAL_VIDEOS

FOLDERS = {"kinetics700": "kinetics700", "ucf101": "UCF-101", "hmdb51": "hmdb51"}

if __name__ == "__main__":
    rows = []
    for dataset, name in FOLDERS.items():
        folder = Path(sys.argv[1]) / name
        paths = [folder / video.path for video in find_videos(folder, dataset)]
        sample = sample_videos(paths, len(paths), size=112, quality=90, chroma="420")
        rows.append({"dataset": dataset, "clips": sample.videos, "frames": round(sample.frames, 1),
                     "bytes_per_frame": round(sample.bytes_per_frame), "seconds": round(sample.seconds, 3)})  # fmt: skip
    pd.DataFrame(rows).to_csv(TYPICAL_VIDEOS, index=False, lineterminator="\n")
