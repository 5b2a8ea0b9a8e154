"""Squash frames with FFmpeg's scaler, whatever colours they claim to have."""

from collections.abc import Iterable, Iterator

import av
import numpy as np

MATRICES = {1, 2, 4, 5, 6, 7, 9}  # the colour matrices that the scaler knows: ITU-T H.273, 2 for none named
RGB_MATRIX = 0
UNKNOWN = 2  # H.273: unspecified


class Squasher:
    """Squashes frames to RGB (size, size, 3), by decord's filter; their size, format and tags may change on the way."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._graph: av.filter.Graph | None = None
        self._kind: tuple[object, ...] = ()

    def squash(self, frame: av.VideoFrame) -> np.ndarray:
        """Squash one frame. Raises: av.FFmpegError for a format that the scaler does not know."""
        neutralise(frame)
        kind = frame_kind(frame)
        if self._graph is None or kind != self._kind:
            self._graph, self._kind = self._new_graph(frame), kind
        self._graph.push(frame)
        squashed = self._graph.pull()
        assert isinstance(squashed, av.VideoFrame)
        return squashed.to_ndarray()

    def try_kind(self, frame: av.VideoFrame) -> None:
        """Squash a frame if its kind differs from the last one's. Raises: av.FFmpegError as `squash`."""
        neutralise(frame)
        if frame_kind(frame) != self._kind:
            self.squash(frame)

    def _new_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        scale = graph.add("scale", f"{self.size}:{self.size}:flags=bilinear")
        graph.link_nodes(source, scale, graph.add("format", "rgb24"), graph.add("buffersink")).configure()
        return graph


def squashed(frames: Iterable[av.VideoFrame], size: int) -> Iterator[np.ndarray]:
    """Yield frames as RGB (size, size, 3)."""
    squasher = Squasher(size)
    return (squasher.squash(frame) for frame in frames)


def frame_kind(frame: av.VideoFrame) -> tuple[object, ...]:
    """Name what the scaler depends on: size, format, colour matrix and range."""
    return frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range)


def neutralise(frame: av.VideoFrame) -> None:
    """Take away the colour tags that FFmpeg's scaler refuses (YCgCo, ICtCp, an RGB matrix on YUV, a logarithmic curve).

    It refuses the whole video for them. The frames are then read as if nothing was tagged, as other players do; the
    curve and the primaries change no pixel here.
    """
    if int(frame.colorspace) not in MATRICES and not (frame.format.is_rgb and int(frame.colorspace) == RGB_MATRIX):
        frame.colorspace = UNKNOWN
    frame.color_trc = UNKNOWN
    frame.color_primaries = UNKNOWN
