"""ALE: a bilinear form, learnt by a hinge that weighs a video by the rank of its class.

    score(v, y) = v' W s_y,    h_y = max(0, 0.1 + score(v, y) - score(v, own)) of a wrong class y
    loss = mean over videos of beta_r / r * sum over y of h_y,    beta_r = 1 + 1/2 + ... + 1/r

r the number of classes with h_y > 0, v (d,) mean features of the clips, s_y (e,) unit class embedding, W (d, e).

Source: Akata et al., TPAMI 2016, in the form of the released code of ER (margin 0.1, dropout 0.5 on both inputs).
*assumed*: features centred on the mean of the seen videos and scaled to unit length on average; steps and rate
(aurl/heads/descent.py).
"""

from aurl.heads.bilinear import BilinearSettings, RankingForm
from aurl.methods.base import FeatureMethod


class Settings(BilinearSettings):
    """The form's settings."""


class Method(RankingForm, FeatureMethod):
    """Learn W by the hinge weighted by rank."""

    LOSS = "weighted_by_rank"
    settings: Settings
