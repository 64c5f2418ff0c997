"""What comes from nowhere: answers, headers and bodies that no provider documents."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

#: Other people's words about failure that are in no provider's documentation.
PAGES = (b"", b"<html><body>502 Bad Gateway</body></html>", b"upstream connect error", b"null", b"[]", b"{}", b"\xff")

STATUS = st.integers(100, 599)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "content-type", "x-other"]), st.text(max_size=20))
JUNK = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=10,
    ).map(msgspec.json.encode),
)


def mutations(documents: list[bytes]) -> st.SearchStrategy[bytes]:
    """Documented bodies with one piece cut out or replaced: closer to the edges than bytes from nowhere."""

    def cut(drawn: tuple[bytes, int, int, bytes]) -> bytes:
        body, start, length, patch = drawn
        place = start % (len(body) + 1)
        return body[:place] + patch + body[place + length :]

    pieces = st.tuples(st.sampled_from(documents), st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=8))
    return pieces.map(cut)
