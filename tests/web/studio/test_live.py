"""What is live: heard once by everybody, again by who was away, and never by nobody for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from striate.web.studio.live import KEPT, WAITING, Live


async def heard(stream: AsyncIterator[str], count: int) -> list[tuple[str, str, dict[str, object]]]:
    """The next messages of a stream, as (id, event, data)."""
    found = []
    while len(found) < count:
        fields = dict(line.split(": ", 1) for line in (await anext(stream)).strip().splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def test_who_comes_again_hears_what_was_missed_and_nothing_twice() -> None:
    async def all_of_it() -> None:
        live = Live()
        stream = live.stream()
        assert [one[1] for one in await heard(stream, 1)] == ["again"]
        for number in range(5):
            live.say("step", number=number)
        first = await heard(stream, 2)
        assert [one[2]["number"] for one in first] == [0, 1]
        await stream.aclose()  # type: ignore[attr-defined]
        live.say("step", number=5)
        later = await heard(live.stream(first[-1][0]), 4)
        assert [one[2]["number"] for one in later] == [2, 3, 4, 5]

    asyncio.run(all_of_it())


def test_who_missed_too_much_or_knew_another_start_asks_for_everything() -> None:
    async def all_of_it() -> None:
        live = Live()
        live.say("step", number=0)
        known = (await heard(live.stream(), 1))[0][0]
        for number in range(KEPT + 1):
            live.say("step", number=number)
        for last in (known, Live()._message("x", {}).split()[1], "", "nothing", "a.b", f"{known}9999"):
            assert (await heard(live.stream(last), 1))[0][1] == "again", last

    asyncio.run(all_of_it())


def test_a_sign_of_life_and_the_end_of_who_does_not_read() -> None:
    async def all_of_it() -> None:
        live = Live(beat=0.01)
        stream = live.stream()
        assert [await anext(stream) for _ in range(3)][2].startswith(":")
        for number in range(WAITING + 5):
            live.say("step", number=number)
        count = 0
        async for _ in stream:
            count += 1
        assert count == WAITING  # it then ends, and comes again
        live.close()

    asyncio.run(all_of_it())
