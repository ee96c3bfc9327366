"""What parts counted, as Prometheus takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from ringflow.store.batches import Distribution


def counter(
    name: str, help_text: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], int]
) -> Metric:
    """Counts since the start, by the values of `labels`."""
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def histogram(name: str, help_text: str, distribution: Distribution) -> Metric:
    """How many values lie below each bound, and their sum."""
    within, buckets = 0, []
    for bound, count in zip((*map(str, distribution.bounds), "+Inf"), distribution.counts, strict=True):
        within += count
        buckets.append((bound, within))
    return HistogramMetricFamily(name, help_text, buckets=buckets, sum_value=distribution.sum)
