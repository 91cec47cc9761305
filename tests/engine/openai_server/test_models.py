"""Lists of models as servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playground.engine.backends.openai_server.faults import Malformed
from playground.engine.backends.openai_server.models import Model, read_models

ONE = {"id": "m", "object": "model"}


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ({"data": [ONE | {"owned_by": "vllm", "max_model_len": 2048}]}, [Model("m", "vllm", 2048)]),
        ([ONE], [Model("m")]),
        ({"models": [ONE]}, [Model("m")]),
        ({"data": [ONE, ONE]}, [Model("m")]),
        ({"data": [ONE | {"owned_by": None, "max_model_len": "4096"}]}, [Model("m", "", 4096)]),
        ({"data": [ONE | {"max_model_len": -1}]}, [Model("m")]),
        ({"data": [ONE, {"object": "model"}, 3]}, [Model("m")]),
        ({"data": None}, []),
    ],
)
def test_a_list_is_read_as_far_as_it_names_models(body: Any, models: list[Model]) -> None:
    assert read_models(json.dumps(body).encode()) == models


@pytest.mark.parametrize("body", [b"<html>", b"3", b'{"data": 3}', b'"\xff"'])
def test_what_is_no_list_of_models_is_told(body: bytes) -> None:
    with pytest.raises(Malformed, match="no list of models"):
        read_models(body)
