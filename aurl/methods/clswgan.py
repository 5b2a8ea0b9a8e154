"""f-CLSWGAN: a classifier is trained on features generated from words.

    critic:      max  mean D(x, c) - mean D(G(z, c), c) - lambda mean (|dD(x', c) / dx'| - 1)^2
    generator:   min  -mean D(G(z, c), c) - beta mean log p(y | G(z, c)),    z ~ N(0, I)
    score(v, y) = log p'(y | v)

x' = a x + (1 - a) G(z, c), a ~ U(0, 1); x (d,) features of seen videos, c (e,) their class embeddings. p is a softmax
classifier of the seen classes on real features, p' one of the given classes on generated features.

A class is learnt from its name before any video of it is seen, so the row says `names`; `fit` itself looks at the seen
classes alone. p' is trained at `score`, for exactly the classes that are given: the scores of some classes need not be
the columns of the scores of more. Every class gets the same draws z, from a seed that is kept among the weights, so
neither the order of the classes nor the other videos matter (beyond rounding).

Source: Xian et al., CVPR 2018; lambda = 10, five steps of the critic for each of the generator, beta = 0.01, batches of
64, Adam with 0.5 and 0.999 by the released code, also that of its use on videos (Mandal et al., CVPR 2019).
*assumed*: features centred and of variance 1 on average, so G ends without ReLU; hidden layers of 256 (4096 there);
steps, rate, size of z and number of generated features, chosen for seconds on one core.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from aurl.heads.generation import Generator

Above = Annotated[float, Field(gt=0)]
BETAS = (0.5, 0.999)  # of Adam, for the generator and the critic


class Settings(MethodSettings):
    """The two networks, their training, and the classifier on generated features.

    Attributes:
        noise: size of z. steps: of the generator. penalty: lambda. seen_weight: beta of p's loss.
        synthetic: features generated for each class. classifier_*: of p and p'.
        hidden: width of generator and critic.
        critic_steps: steps of the critic for each of the generator.
        batch: videos of a step.
        rate: learning rate.
        classifier_steps: steps of the classifier of generated features.
        classifier_batch: generated features of its step.
        classifier_rate: its learning rate.
        classifier_decay: its weight decay.
    """

    noise: Positive = 64
    hidden: Positive = 256
    steps: Positive = 200
    critic_steps: Positive = 5
    batch: Positive = 64
    rate: Above = 1e-3
    penalty: Above = 10.0
    seen_weight: Annotated[float, Field(ge=0)] = 0.01
    synthetic: Positive = 100
    classifier_steps: Positive = 150
    classifier_batch: Positive = 512
    classifier_rate: Above = 1e-2
    classifier_decay: Annotated[float, Field(ge=0)] = 1e-4


class Method(FeatureMethod):
    """Generate features of classes and classify by them."""

    MAY_SEE = "names"
    ASSUMED = "sizes of networks and training; features standardised, so no last ReLU"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._last: tuple[object, Tensor, tuple[Tensor, Tensor]] | None = None

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Train a seen classifier, then generator and critic against each other."""
        import torch

        from aurl.heads.learning import kept, seeded
        from aurl.heads.scaling import fit_scale, standardised

        self.weights = fit_scale(seen.means)
        features = standardised(seen.means, self.weights)
        with seeded(seed):
            generator = self._generator(seen.classes.embeddings.shape[1], features.shape[1])
            self._play(generator, features, seen)
        self.weights |= {"seed": torch.tensor(seed), **kept(generator)}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the log probability of p': (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.scaling import standardised

        rows, bias = self._classifier(classes.embeddings)
        return (standardised(videos.mean(dim=1), self.weights) @ rows.T + bias).log_softmax(dim=1)

    def _classifier(self, embeddings: "Tensor") -> "tuple[Tensor, Tensor]":
        """Train p' unless that of the last call serves: rows (C, d), bias (C,)."""
        import torch

        if self._last is None or self._last[0] is not self.weights or not torch.equal(self._last[1], embeddings):
            with torch.inference_mode(False), torch.enable_grad():
                self._last = (self.weights, embeddings, self._trained(embeddings.clone()))
        return self._last[2]

    def generated(self, embeddings: "Tensor", noise: "Tensor") -> "Tensor":
        """Generate a feature for each class and z: (C, e), (s, z) -> (s, C, d)."""
        import torch

        from aurl.heads.learning import restore

        generator = self._generator(embeddings.shape[1], len(self.weights["centre"]))
        restore(generator, self.weights)
        count, classes = len(noise), len(embeddings)
        with torch.no_grad():
            rows = generator(noise.repeat_interleave(classes, 0), condition(embeddings).repeat(count, 1))
        return rows.unflatten(0, (count, classes))

    def _trained(self, embeddings: "Tensor") -> "tuple[Tensor, Tensor]":
        """Train p' on generated features; its draws have a seed of their own."""
        import torch

        from aurl.heads.generation import softmax_classifier
        from aurl.heads.learning import endless_batches, seeded

        settings, classes = self.settings, torch.arange(len(embeddings))
        with seeded(int(self.weights["seed"])):
            features = self.generated(embeddings, torch.randn(settings.synthetic, settings.noise))
            draws = endless_batches(settings.synthetic, max(1, settings.classifier_batch // len(embeddings)))

            def batch() -> "tuple[Tensor, Tensor]":
                rows = features[next(draws)]
                return rows.flatten(0, 1), classes.repeat(len(rows))

            learnt = softmax_classifier(
                batch, features.shape[2], len(classes), settings.classifier_steps, settings.classifier_rate,
                settings.classifier_decay,
            )  # fmt: skip
        return learnt.weight, learnt.bias

    def _play(self, generator: "Generator", features: "Tensor", seen: SeenVideos) -> None:
        """Train the generator against a critic."""
        import torch

        from aurl.heads.generation import Critic, critic_loss
        from aurl.heads.learning import endless_batches

        settings, words = self.settings, condition(seen.classes.embeddings)
        known = self._seen_classifier(features, seen)
        critic = Critic(features.shape[1], words.shape[1], settings.hidden)
        of_critic = torch.optim.Adam(critic.parameters(), settings.rate, BETAS)
        of_generator = torch.optim.Adam(generator.parameters(), settings.rate, BETAS)
        draws = endless_batches(len(features), settings.batch)

        def imitate(labels: "Tensor") -> "Tensor":
            return generator(torch.randn(len(labels), settings.noise), words[labels])

        for _ in range(settings.steps):
            for _ in range(settings.critic_steps):
                rows = next(draws)
                labels = seen.labels[rows]
                with torch.no_grad():
                    false = imitate(labels)
                shares = torch.rand(len(rows), 1)
                _step(of_critic, critic_loss(critic, features[rows], false, words[labels], shares, settings.penalty))
            labels = seen.labels[next(draws)]
            false = imitate(labels)
            confusion = torch.nn.functional.cross_entropy(known(false), labels)
            _step(of_generator, settings.seen_weight * confusion - critic(false, words[labels]).mean())

    def _seen_classifier(self, features: "Tensor", seen: SeenVideos) -> "Callable[[Tensor], Tensor]":
        """Train p on the real features of the seen classes."""
        from aurl.heads.generation import softmax_classifier
        from aurl.heads.learning import endless_batches

        settings = self.settings
        draws = endless_batches(len(features), settings.classifier_batch)

        def batch() -> "tuple[Tensor, Tensor]":
            rows = next(draws)
            return features[rows], seen.labels[rows]

        return softmax_classifier(
            batch, features.shape[1], len(seen.classes.names), settings.classifier_steps, settings.classifier_rate,
            settings.classifier_decay,
        )  # fmt: skip

    def _generator(self, words: int, features: int) -> "Generator":
        from aurl.heads.generation import Generator

        return Generator(self.settings.noise, words, self.settings.hidden, features)


def condition(embeddings: "Tensor") -> "Tensor":
    """Scale class embeddings (C, e) to length sqrt(e), as z has for its size."""
    from aurl.models.cosine import unit

    return unit(embeddings) * embeddings.shape[1] ** 0.5


def _step(optimizer: "torch.optim.Optimizer", loss: "Tensor") -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
