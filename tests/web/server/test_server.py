"""What the server opens: sockets whose answers are sent at once."""

from __future__ import annotations

import asyncio
import socket

from striate.web.server.server import bound


def test_an_answer_does_not_wait_for_its_acknowledgement() -> None:
    """Nagle's algorithm holds back the second write of an answer, its body, for 40 ms; asyncio turns it off for TCP."""

    async def nodelay() -> int:
        loop, told = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        class Peer(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                told.set_result(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        one = bound("127.0.0.1", 0)
        async with await loop.create_server(Peer, sock=one):
            with socket.create_connection(one.getsockname()):
                return int(await told)

    assert asyncio.run(nodelay())
