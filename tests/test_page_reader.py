"""What the reader of pages must not let pass."""

from __future__ import annotations

import pytest
from tests.page_reader import Read, check_alone


@pytest.mark.parametrize(
    "page", ["<p><b></p></b>", "<p>", "</p>", '<img alt="" alt="a">', '<svg><path d="" d=""/></svg>']
)
def test_a_page_that_does_not_balance_is_found(page: str) -> None:
    with pytest.raises(AssertionError):
        Read(page)


@pytest.mark.parametrize(
    "page",
    [
        "<script>1</script>",
        "<svg><script>1</script></svg>",
        "<link>",
        '<p onclick="a"></p>',
        '<img src="http://a" alt="">',
        '<img src="data:image/png;base64,">',
        '<a href="#none">a</a>',
        '<svg><image href="http://a"/></svg>',
        '<p id="a"></p><p id="a"></p>',
        "<style>p { background: url(a) }</style>",
    ],
)
def test_what_is_not_alone_is_found(page: str) -> None:
    read = Read(page)
    with pytest.raises(AssertionError):
        check_alone(read)


def test_a_page_that_is_alone_passes_and_is_read() -> None:
    read = Read('<style>p {}</style><svg><title>t</title></svg><p id="a"><a href="#a">1 &lt; 2</a></p>')
    check_alone(read)
    assert read.words == "t1 < 2" and read.style == "p {}" and read.count("title") == 0
