"""What a run on a volume node will do and about how long it will take, before it."""

from __future__ import annotations

from dataclasses import replace

from ..arrays.watch import IsCancelled, Progress, Watch
from ..run.forecast import Forecast, forecast_of
from ..run.settings import Settings
from .channels import firstChannel
from .nodes import prepare
from .selections import Selections


def foreseeRun(
    inputVolume,
    kernels,
    settings: Settings,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Forecast:
    """Say what a run on a volume node will do.

    Parameters
    ----------
    inputVolume, kernels, mask, labels, guide, resample, progress, cancelled
        See `nodes.deconvolveVolume`.
    settings : Settings

    Returns
    -------
    Forecast
        Of all channels together; the method is that of the first one.

    Raises
    ------
    InputError
        If an argument cannot be used.
    Cancelled
    """
    prepared = prepare(settings, inputVolume, kernels, Selections(mask, labels, guide, resample))
    inputs, watch = prepared.inputs, Watch(progress, cancelled)
    if inputs.image.ndim == 3:
        return forecast_of(inputs, settings, watch)
    channels = inputs.image.shape[3] - int(prepared.copyLast)
    first = forecast_of(firstChannel(inputs), settings, watch)
    return _times(first, channels)


def _times(forecast: Forecast, count: int) -> Forecast:
    other = forecast.otherwise
    return replace(
        forecast, seconds=count * forecast.seconds, otherwise=None if other is None else _times(other, count)
    )
