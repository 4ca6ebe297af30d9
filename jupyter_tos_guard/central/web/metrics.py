"""Prometheus metrics, named as JupyterHub names its own. A registry for each application."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado.web import RequestHandler


class Metrics:
    """What is measured.

    Parameters
    ----------
    prefix : str
        Before each name: ``tos_guard`` makes ``tos_guard_request_duration_seconds``.
    """

    def __init__(self, prefix: str = "tos_guard") -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, namespace=prefix, registry=self.registry)
        gauge = partial(Gauge, namespace=prefix, registry=self.registry)
        histogram = partial(Histogram, namespace=prefix, registry=self.registry)
        self.request_duration = histogram(
            "request_duration_seconds",
            "Request duration for all HTTP requests",
            ["method", "handler", "code"],
        )
        self.reports = counter("reports", "Reports of strikes, by what became of them", ["result"])
        self.strikes = counter("strikes", "Strikes received, by what became of them", ["result"])
        self.commit_duration = histogram(
            "commit_duration_seconds", "Time that one group commit of reports took"
        )
        self.commit_size = histogram(
            "commit_reports",
            "Reports in one group commit",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, float("inf")),
        )
        self.waiting_reports = gauge("waiting_reports", "Reports that wait for their commit")
        self.waiting_polls = gauge("waiting_polls", "Long polls for an emergency publish")
        self.limited = counter("limited_requests", "Requests refused by a rate limit")
        self.task_failures = counter("task_failures", "Failed runs of a periodic task", ["task"])
        self.notices = counter("notices", "Outbound notices, by what became of them", ["result"])
        self.ready = gauge("ready", "1 when the last look found database and repository in order")
        self.policy_timestamp = gauge("repository_timestamp_version", "Version of the repository's timestamp")

    def log_request(self, handler: RequestHandler) -> None:
        """Measure a request that has ended."""
        kind = type(handler)
        self.request_duration.labels(
            method=handler.request.method if handler.request.method in _METHODS else "other",
            handler=getattr(handler, "metrics_name", f"{kind.__module__}.{kind.__name__}"),
            code=handler.get_status(),
        ).observe(handler.request.request_time())

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self.registry)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
