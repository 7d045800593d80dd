"""What a server counts, in Prometheus' text. Every label has few values: none comes from a request."""

from __future__ import annotations

from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


@final
class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = one = CollectorRegistry()
        self.requests = Counter("striate_requests", "Requests answered.", ["route", "status"], registry=one)
        self.seconds = Histogram(
            "striate_request_seconds",
            "From a request's headers to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=one,
        )
        self.pictures = Counter(
            "striate_pictures", "Pictures, by what came of them.", ["model", "outcome"], registry=one
        )
        self.batch = Histogram(
            "striate_batch_pictures",
            "Pictures computed together.",
            ["model"],
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=one,
        )
        self.under_way = Gauge("striate_pictures_under_way", "Pictures taken and not answered yet.", registry=one)
        self.held = Gauge("striate_bytes_held", "Bytes of requests that are held.", registry=one)
        self.refused = Gauge("striate_refused_busy", "Requests refused as there was no room.", registry=one)
        self.restarts = Gauge(
            "striate_decoder_restarts", "Decoding processes that had to be started anew.", registry=one
        )
        self.version = Gauge("striate_model_version", "The version of a model that answers.", ["model"], registry=one)

    def text(self) -> bytes:
        """Return all of them as Prometheus reads it."""
        return generate_latest(self.registry)
