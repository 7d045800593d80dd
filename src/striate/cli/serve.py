"""``striate serve``: trained networks, answering over HTTP until they are told to stop."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli import shared_options
from striate.errors import ServeError
from striate.session import terminal
from striate.verbs.workspace import Workspace


@click.command()
@click.argument("models", nargs=-1, metavar="[NAME=]RUN|FILE...")
@click.option("--port", type=click.IntRange(0, 65_535), help="Where it listens; 0: any that is free.  [default: 8000]")
@click.option(
    "--host", help="The address it listens at; other than this machine's own takes a token.  [default: 127.0.0.1]"
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="A file with the token that requests have to know; or set STRIATE_TOKEN.",
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name that requests may call it by.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="A page that may ask it: https://example.com.")
@click.option("--index", type=click.Path(path_type=Path), metavar="DIR", help="An index (striate index) for /find.")
@click.option("--metrics-port", type=click.IntRange(0, 65_535), help="A port of its own for /metrics.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Bounds and all else, as TOML.")
@click.option("--queue", type=click.IntRange(1), help="The most pictures under way at once.  [default: 64]")
@click.option(
    "--deadline", type=click.FloatRange(0, min_open=True), help="Seconds until a picture is begun.  [default: 5]"
)
@click.option("--watch", type=click.FloatRange(0), metavar="SECONDS", help="Look so often for newer versions.")
@click.option("--int8", is_flag=True, help="Answer in int8, by the file that striate export --int8 made.")
@shared_options.data_dir
@shared_options.runs_dir
def command(
    models: tuple[str, ...],
    port: int | None,
    host: str | None,
    token_file: Path | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    index: Path | None,
    metrics_port: int | None,
    config: Path | None,
    queue: int | None,
    deadline: float | None,
    watch: float | None,
    int8: bool,
    data_dir: Path | None,
    runs_dir: Path,
) -> None:
    """Serve models over HTTP: runs, model files or published weights that are here; without any the last run.

    POST a picture to /predict; /docs says all there is. Only this machine reaches it unless --host says otherwise, and
    then a token is wanted. Pictures are decoded by processes that are locked in; nothing is downloaded, nothing that
    comes is written to a file.

    SIGTERM and Ctrl-C answer what was accepted and stop within ten seconds. SIGHUP takes up newer versions of the
    models, and so does --watch. The log is JSON, a line a request, on standard error.
    """
    try:
        from striate.web.server.models import wanted
        from striate.web.server.server import serve
        from striate.web.server.settings import settled
    except ModuleNotFoundError as error:
        raise ServeError(f"serving takes {error.name}, which is not installed: pip install 'striate[serve]'") from None
    given = {
        "port": port,
        "host": host,
        "allow_host": allow_host or None,
        "allow_origin": allow_origin or None,
        "metrics_port": metrics_port,
        "queue": queue,
        "deadline": deadline,
        "watch": watch,
    }
    settings = settled(given, config, token_file)
    asked = wanted(models, runs_dir)

    def started(address: str, metrics: str) -> None:
        terminal.say(
            f"serving {', '.join(one.name for one in asked)} at {address}" + " (token wanted)" * bool(settings.token)
        )
        header = '-H "Authorization: Bearer $STRIATE_TOKEN" ' * bool(settings.token)
        here = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # where it listens is not where it is
        terminal.say(f"  curl {header}--data-binary @cat.jpg {here}/predict")
        if metrics:
            terminal.say(f"  {metrics}")

    workspace = Workspace(runs_dir, data_dir, download=False, tell=terminal.tell)
    serve(asked, settings, workspace, index=index, int8=int8, started=started)
