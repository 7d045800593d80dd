"""Inference gives the rows asked for, in the order asked for, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from striate.engine.infer import infer, infer_outputs
from striate.errors import DeviceError


@pytest.fixture
def model(toy):
    torch.manual_seed(0)
    return toy.Toy(toy.body())


def expected(model, store, rows) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        return model(model.normalise(torch.from_numpy(store.pixels[rows]).permute(0, 3, 1, 2))).numpy()


@pytest.mark.parametrize("rows", [[3, 1, 2, 3, 51, 0, 7], [5], range(52)])
@pytest.mark.parametrize("batch_size", [1, 3, 256])
def test_rows_in_the_order_asked_for(model, toy, rows, batch_size):
    store = toy.pictures().store
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    logits, embeddings = infer(model, store, rows, batch_size=batch_size)
    assert model.training and all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    np.testing.assert_allclose(logits, expected(model, store, list(rows)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(embeddings, store.pixels[list(rows)].reshape(len(rows), 36) / 255 - 0.5, atol=1e-6)
    assert logits.dtype == embeddings.dtype == np.float32


def test_no_rows(model, toy):
    logits, embeddings = infer(model, toy.pictures().store, [], device="cpu")
    assert logits.shape == (0, 3) and embeddings.shape == (0, 36)


class _Narrow(nn.Module):
    def __init__(self, net: nn.Module, most: int) -> None:
        super().__init__()
        self.net, self.most = net, most

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if len(inputs) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.net(inputs)


def test_halves_the_batch_when_memory_runs_out(model, toy):
    store = toy.pictures().store
    whole, _ = infer(model, store, range(50))
    model.body = _Narrow(model.body, 3)
    halved, _ = infer(model, store, range(50))
    np.testing.assert_allclose(whole, halved, rtol=1e-5, atol=1e-6)
    model.body.most = 0
    with pytest.raises(DeviceError, match="not memory enough"):
        infer(model, store, range(50))


def test_outputs_go_by_the_name_of_the_task(model, toy):
    store = toy.pictures().store
    said = infer_outputs(model, store, range(5), output="numbers")
    assert list(said) == ["numbers", "embedding"]
    for ours, plain in zip(said.values(), infer(model, store, range(5)), strict=True):
        np.testing.assert_array_equal(ours, plain)
