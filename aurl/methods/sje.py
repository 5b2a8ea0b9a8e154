"""SJE: a bilinear form, learnt by a hinge on the hardest wrong class.

    score(v, y) = v' W s_y,    loss = mean over videos of max over y of max(0, 0.1 + score(v, y) - score(v, own))

v (d,) mean features of the clips, s_y (e,) unit class embedding, W (d, e).

Source: Akata et al., CVPR 2015, in the form of the released code of ER (margin 0.1, dropout 0.5 on both inputs).
*assumed*: features centred on the mean of the seen videos and scaled to unit length on average; steps and rate
(aurl/heads/descent.py).
"""

from aurl.heads.bilinear import BilinearSettings, RankingForm
from aurl.methods.base import FeatureMethod


class Settings(BilinearSettings):
    """The form's settings."""


class Method(RankingForm, FeatureMethod):
    """Learn W by the hinge of the hardest class."""

    LOSS = "hardest"
    settings: Settings
