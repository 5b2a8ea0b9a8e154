"""ER: videos and their objects are matched with words, in two streams.

    t_y = unit(T sum_w a_w w),   a = softmax over the words w of y of  q' ReLU(Q w)
    u = unit(V v),   o = t of the words of the video's objects,   u' = unit(g_1(u, o) u),   o' = unit(g_2(u, o) o)
    score(v, y) = cos(u', t_y) + max(0, cos(o', t_y))
    loss = sum over the scores s of u', of o' and of both:  CE(s / 0.1, y) + rehearsal -mean log softmax(s / 0.1)[objects]

v (d,), w (e,), Q (e / 2, e), T (s, e), V (s, d); the gates g are Linear 2s-s, ReLU, Linear s-s, sigmoid.

Source: Chen and Huang, ICCV 2021, released code: streams, gates, losses, temperature, attention pooling ("ED +
AttnPool"), dropout of inputs. *assumed*: ER's objects are the first five of 21,000 ImageNet classes with their
definitions, its texts are descriptions, read by BERT in its best row. Here a class's text is its name's words, and the
objects of a video are the seen classes with the highest scores of a linear classifier, without the video's own class
while training, since an unseen class is never among them. All seen classes are candidates of the rehearsal. Sizes and
steps are chosen for seconds on one core (512, ten epochs there).
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.heads.two_streams import TwoStreams

Above = Annotated[float, Field(gt=0)]


class Settings(MethodSettings):
    """The two streams and their training.

    Attributes:
        size: s. objects: taken from each video. rehearsal: weight of the loss that predicts the objects.
        shrinkage: of the classifier's scatter.
        temperature: of the softmax over classes.
        dropout: share of inputs that training drops.
        steps: of training.
        batch: videos of a step.
        rate: learning rate.
    """

    size: Positive = 128
    objects: Positive = 5
    rehearsal: Annotated[float, Field(ge=0)] = 1.0
    temperature: Above = 0.1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    shrinkage: Above = 1.0
    steps: Positive = 150
    batch: Positive = 128
    rate: Above = 3e-3


class Method(FeatureMethod):
    """Match videos and their objects with words."""

    ASSUMED = "texts are names; objects are the seen classes' scores; sizes and training"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Train both streams with the seen classes."""
        from aurl.heads.learning import descend, endless_batches, kept, seeded
        from aurl.heads.scaling import fit_scale, scaled
        from aurl.heads.seen_classifier import discriminant_rows
        from aurl.heads.word_table import word_table

        settings, count = self.settings, len(seen.classes.names)
        self.weights = fit_scale(seen.means)
        features = scaled(seen.means, self.weights)
        words, mask = word_table(seen.classes.embeddings, seen.classes.words)
        rows = discriminant_rows(features, seen.labels, count, settings.shrinkage)
        self.weights |= {"rows": rows, "words": words, "mask": mask}
        objects = self.objects(features, seen.labels)
        with seeded(seed):
            network, draws = self._network(), endless_batches(len(features), settings.batch)

            def loss() -> "Tensor":
                batch = next(draws)
                return self._loss(network, features[batch], objects[batch], seen.labels[batch])

            descend(network.parameters(), loss, settings.steps, settings.rate)
        self.weights |= kept(network)

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by both streams' cosines: (n, clips, d), C classes -> (n, C)."""
        import torch

        from aurl.heads.learning import restore
        from aurl.heads.scaling import scaled
        from aurl.heads.two_streams import match, object_words
        from aurl.heads.word_table import word_table

        features, network = scaled(videos.mean(dim=1), self.weights), self._network()
        restore(network, self.weights)
        words, mask = self.weights["words"], self.weights["mask"]
        with torch.no_grad():
            texts = object_words(words, network.weigh(words, mask), mask, self.objects(features))
            streams = network.streams(features, network.pooled(*texts))
            return match(*streams, network.classes(*word_table(classes.embeddings, classes.words)))[2]

    def objects(self, features: "Tensor", own: "Tensor | None" = None) -> "Tensor":
        """Choose a video's highest seen classes without its own: (n, d) -> int64 (n, o)."""
        import torch

        scores = features @ self.weights["rows"].T
        classes = scores.shape[1]
        others = own is not None and classes > 1
        if own is not None and others:
            scores = scores.scatter(1, own[:, None], -torch.inf)
        return scores.topk(min(self.settings.objects, classes - others), dim=1).indices

    def _loss(self, network: "TwoStreams", videos: "Tensor", objects: "Tensor", labels: "Tensor") -> "Tensor":
        """Compute the loss of a batch: (n, d), (n, o), (n,) -> scalar."""
        import torch
        from torch.nn import functional

        from aurl.heads.two_streams import match, object_words, rehearsal_loss

        settings, mask = self.settings, self.weights["mask"]
        words = functional.dropout(self.weights["words"], settings.dropout)
        logits = network.weigh(words, mask)
        texts = network.pooled(*object_words(words, logits, mask, objects))
        total = torch.zeros(())
        for cosines in match(*network.streams(videos, texts), network.pooled(words, logits, mask)):
            scores = cosines / settings.temperature
            total = total + functional.cross_entropy(scores, labels)
            total = total + settings.rehearsal * rehearsal_loss(scores, objects)
        return total

    def _network(self) -> "TwoStreams":
        from aurl.heads.two_streams import TwoStreams

        features, words = self.weights["rows"].shape[1], self.weights["words"].shape[2]
        return TwoStreams(features, words, self.settings.size, self.settings.dropout)
