"""Foreign JSON is read as far as it goes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.lenient import Lenient


class Leaf(msgspec.Struct):
    size: int | None = None


class Tree(msgspec.Struct, rename="camel"):
    tree_name: str = ""
    height: float | None = None
    leaf: Leaf | None = None
    kind: str = msgspec.field(name="type", default="")


TREE = Lenient(Tree)


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        pytest.param(b'{"treeName": "oak", "height": 3.5}', Tree("oak", 3.5), id="as expected"),
        pytest.param(b'{"treeName": "oak", "age": 90}', Tree("oak"), id="unknown fields are nobody's business"),
        pytest.param(b'{"treeName": "oak", "height": "3.5"}', Tree("oak", 3.5), id="a number as text"),
        pytest.param(b'{"treeName": "oak", "height": "tall"}', Tree("oak"), id="one bad field hides no other"),
        pytest.param(b'{"treeName": 7, "type": "oak"}', Tree(kind="oak"), id="renamed fields survive a bad one"),
        pytest.param(b'{"treeName": "oak", "leaf": {"size": []}}', Tree("oak"), id="a bad part is left out whole"),
        pytest.param(b'{"treeName": "oak", "leaf": {"size": 2}, "height": {}}', Tree("oak", leaf=Leaf(2)), id="parts"),
        pytest.param(b"[1]", Tree(), id="a list"),
        pytest.param(b"null", Tree(), id="null"),
        pytest.param(b"", Tree(), id="nothing"),
        pytest.param(b'{"treeName": "oa', Tree(), id="cut off"),
        pytest.param(b'{"treeName": "\xff"}', Tree(), id="not UTF-8"),
        pytest.param(b"[" * 100_000, Tree(), id="too deep"),
    ],
)
def test_what_fits_is_kept(body: bytes, tree: Tree) -> None:
    assert TREE.decode(body) == tree


@given(st.binary())
def test_arbitrary_bytes_read_as_something(body: bytes) -> None:
    assert isinstance(TREE.decode(body), Tree)
