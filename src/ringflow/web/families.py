"""What parts counted, as Prometheus takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, Metric


def counter(
    name: str, help_text: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], int]
) -> Metric:
    """Counts since the start, by the values of `labels`."""
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
