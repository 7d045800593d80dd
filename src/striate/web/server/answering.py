"""From a picture's bytes to an answer: through a process that decodes, and the thread of a model, and back.

A question is handed from thread to thread and waits in no loop: the event loop gives it away and hears of it once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.errors import PictureError
from striate.web.server import looking
from striate.web.server.admission import Refused
from striate.web.server.batching import Answer, Question
from striate.web.server.decoding import Decoded, Decoder, TooLate, Wish
from striate.web.server.models import Served


@dataclass(frozen=True)
class Wanted:
    """How an answer is wanted: the ``top`` likeliest (None: all), "none of these" or not, a mask "", "rle" or "png"."""

    top: int | None = None
    unknown: bool = True
    mask: str = ""

    @property
    def options(self) -> tuple[tuple[str, Any], ...]:
        """What the task is told."""
        return (("unknown", self.unknown),)


@final
class Answering:
    """Answers pictures. All of it is called in the event loop."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        # Masks of large pictures take their time, which neither the loop nor the network's thread should spend.
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="striate-write")

    def close(self) -> None:
        """Stop."""
        self._writing.shutdown(wait=False, cancel_futures=True)

    async def answers(
        self, served: Served, files: Sequence[bytes], wanted: Wanted, deadline: float
    ) -> list[dict[str, Any] | PictureError]:
        """Return the answer to each picture ready for JSON, or why there is none. Errors: Refused (503) if too late."""
        futures = [self._decoded(served, file, wanted, deadline) for file in files]
        found = await asyncio.gather(*futures)
        names = served.predictor.labels.names
        if served.predictor.task.placed:
            loop = asyncio.get_running_loop()
            return [
                one
                if isinstance(one, PictureError)
                else await loop.run_in_executor(self._writing, as_json, one, wanted, names)
                for one in found
            ]
        return [one if isinstance(one, PictureError) else as_json(one, wanted, names) for one in found]

    async def of_pixels(
        self, served: Served, pixels: NDArray[np.uint8], deadline: float
    ) -> list[Answer | PictureError]:
        """Return the answers to pixels (N, H, W, C) as the network takes them. Errors: Refused (503)."""
        futures = []
        for each in pixels:
            future, done = _future()
            served.batcher.ask(Question(each, None, (("unknown", True),), deadline, done))
            futures.append(_heard(future))
        return list(await asyncio.gather(*futures))

    async def looked(
        self, served: Served, file: bytes, name: str | None, batch: int, deadline: float
    ) -> dict[str, Any]:
        """Return the answer to a picture and why: what `looking` says of the output called ``name``, else the largest.

        ``batch`` covered pictures are computed at a time, between those of others. Errors: PictureError, Refused.
        """
        found = await self.decoded(file, served.predictor.preprocess, deadline, sized=True)
        assert found.crop is not None
        (answer,) = await self._known(served, found.pixels[None], deadline)
        column, output = looking.column_of(served, answer, name), served.predictor.task.output
        value = float(answer.outputs[output][column])
        windows = looking.Windows.over(*found.pixels.shape[:2])
        left: list[float] = []
        for begin in range(0, len(windows), batch):
            some = await self._known(served, windows.covered(found.pixels, begin, batch), deadline)
            left += [float(one.outputs[output][column]) for one in some]
        falls = value - np.array(left, np.float32)
        said = as_json(answer, Wanted(), served.predictor.labels.names)
        return {"answer": said, "look": looking.said(served, column, value, falls, windows, found.crop)}

    async def _known(self, served: Served, pixels: NDArray[np.uint8], deadline: float) -> list[Answer]:
        """Return the answers to pixels; where one has none, its reason is raised."""
        found = []
        for one in await self.of_pixels(served, pixels, deadline):
            if isinstance(one, PictureError):
                raise one
            found.append(one)
        return found

    async def decoded(self, file: bytes, rule: Preprocess, deadline: float, *, sized: bool = False) -> Decoded:
        """Return the pixels of a file by a rule, where they lie if ``sized``. Errors: PictureError, Refused (503)."""
        future, done = _future()
        self._decoder.ask(Wish(file, rule, deadline, done, sized=sized))
        found = await _heard(future)
        if isinstance(found, PictureError):
            raise found
        assert isinstance(found, Decoded)
        return found

    async def _decoded(self, served: Served, file: bytes, wanted: Wanted, deadline: float) -> Any:
        future, done = _future()
        placed = served.predictor.task.placed

        def onward(found: Decoded | Exception) -> None:
            if isinstance(found, Exception):
                done(found)
                return
            served.batcher.ask(Question(found.pixels, found.crop, wanted.options, deadline, done))

        self._decoder.ask(Wish(file, served.predictor.preprocess, deadline, onward, sized=placed))
        return await _heard(future)


def _future() -> tuple[asyncio.Future[Any], Callable[[Any], None]]:
    """Return a future, and what sets it from another thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any) -> None:
        if not future.done():
            future.set_result(value)

    def done(value: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value)

    return future, done


async def _heard(future: asyncio.Future[Any]) -> Any:
    """Return an answer or a PictureError. Errors: Refused (503) where it was too late; whatever else went wrong."""
    found = await future
    if isinstance(found, TooLate):
        raise Refused(503, "busy: it was not begun before its deadline; try again", retry=1)
    if isinstance(found, Exception) and not isinstance(found, PictureError):
        raise found
    return found


def as_json(answer: Answer, wanted: Wanted, names: Sequence[str]) -> dict[str, Any]:
    """Return an answer as `striate predict --json` has it, with its line, and with masks where they are wanted."""
    said = answer.prediction
    found: dict[str, Any] = {"text": said.text(wanted.top), **said.to_dict(wanted.top)}
    if wanted.mask == "png":
        import base64

        from striate.render.png.answer_png import mask_png

        found["mask"] = base64.b64encode(mask_png(said.mask(), len(names))).decode()
    elif wanted.mask:
        ids = said.mask()
        found["mask"] = said.objects("picture", (ids.shape[0], ids.shape[1]), wanted.top).masks(names)
    return found


def until(settings_deadline: float, said: Mapping[str, str]) -> float:
    """Return when a request is too late, at the latest as a query's ``timeout`` says. Errors: Refused (400)."""
    left = settings_deadline
    if "timeout" in said:
        try:
            asked = float(said["timeout"])
        except ValueError:
            asked = -1.0
        if not asked > 0:
            raise Refused(400, f"timeout={said['timeout'][:30]}: it is seconds, above 0")
        left = min(left, asked)
    return time.monotonic() + left
