"""ResT's parts by hand: the semantic transfer, padding of words, the order of frames."""

import math

import pytest
import torch

from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel, build_network
from aurl.system.errors import AurlError

REST = {"name": "rest", "width": 8, "layers": 2, "heads": 2, "temperature": 0.3}


def shape_with(classes: int | None = 3) -> ModelShape:
    backbone = {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}
    rest = {"embedding": 6, "word_hidden": 5, "dropout": 0.1, "dimension": 4, "word_projector": False}
    return ModelShape.model_validate({"backbone": backbone, **rest, "seen_classes": classes, "network": REST})


@pytest.fixture
def model() -> ZeroShotModel:
    torch.manual_seed(0)
    network = build_network(shape_with()).double().eval()
    random = torch.Generator().manual_seed(1)
    words = [torch.randn(number, 4, generator=random, dtype=torch.float64) for number in (1, 3, 2)]
    network.learn_classes(torch.stack([each.mean(dim=0) for each in words]), words)
    return network


def test_the_semantic_transfer_is_its_formula(model: ZeroShotModel) -> None:
    names = torch.randn(2, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert model.visual_centres is not None
    for row, prototype in zip(names, model.embed_classes(names), strict=True):
        seen = model.get_buffer("seen_embeddings")
        shares = [math.exp(float(row @ each / row.norm() / each.norm()) / 0.3) for each in seen]
        units = [centre / centre.norm() for centre in model.visual_centres.detach()]
        expected = sum(share / sum(shares) * centre for share, centre in zip(shares, units, strict=True))
        torch.testing.assert_close(prototype, expected)


def test_padding_of_words_changes_no_score_and_other_words_do(model: ZeroShotModel) -> None:
    frames = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    with torch.inference_mode():
        together = model.match(frames, torch.tensor([0, 1, 2]))
        alone = [model.match(frames[row : row + 1], torch.tensor([row])) for row in range(3)]
        torch.testing.assert_close(together, torch.cat(alone))
        model.words[0, 1:] = 7.0  # type: ignore[index, operator]
        torch.testing.assert_close(model.match(frames, torch.tensor([0, 1, 2])), together)
        model.words[0, 0] = 7.0  # type: ignore[index, operator]
        assert (model.match(frames, torch.tensor([0, 1, 2])) - together)[0].abs() > 1e-3


def test_the_order_of_frames_counts(model: ZeroShotModel) -> None:
    clips = torch.randint(0, 256, (2, 4, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        difference = model.embed_videos(clips) - model.embed_videos(clips.flip(1))
        assert difference.abs().max() > 1e-3
        torch.testing.assert_close(model.pool_clips(clips), model.pool_clips(clips.flip(1)))


def test_an_encoder_without_words_gives_one_token(model: ZeroShotModel) -> None:
    embeddings = torch.randn(3, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    frames = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    model.learn_classes(embeddings, [])
    with torch.inference_mode():
        one = model.match(frames, torch.arange(3))
        model.learn_classes(embeddings, list(embeddings[:, None]))
        assert torch.equal(model.match(frames, torch.arange(3)), one)


def test_means_of_frames_are_refused(model: ZeroShotModel) -> None:
    with pytest.raises(AurlError, match="stored features are their means"):
        model.project_videos(torch.zeros(2, 8, dtype=torch.float64))


def test_without_seen_classes_there_is_no_prototype() -> None:
    with pytest.raises(ValueError, match="no seen_classes"):
        build_network(shape_with(classes=None))
