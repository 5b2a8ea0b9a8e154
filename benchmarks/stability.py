"""Train `mini` with another number of threads, and on videos in other codecs: do the means stay?

    python benchmarks/stability.py              # after `make reproduce`; some 12 minutes on two cores

Both change the last digits of every number that a network computes, or every pixel a little, and neither changes the
experiment: what they move is noise that no reader should take for a difference between methods.
"""

from variations import report

RENDER = "datasets.{}.source.render.codec"

if __name__ == "__main__":
    report(
        "stability",
        {
            "2 threads": {"training.compute.threads": 2},
            "other codecs": {
                RENDER.format("drawn_kinetics"): "xvid",
                RENDER.format("drawn_ucf"): "h264",
                RENDER.format("drawn_hmdb"): "h264",
            },
        },
    )
