"""Simulated images with known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import ndimage

# Drawn larger than asked for and averaged, so that edges have shades of grey as in a photograph.
_OVERSAMPLING = 4


def simulate_rotation(
    n_views: int = 72, n_pixels: int = 20, *, noise: float = 0.02, rng: int | np.random.Generator = 0
) -> AnnData:
    """Views of one object on a turntable: an image data set whose only truth is an angle.

    The object, an arm with a knob at its end and a fin on one side, looks different at every angle.

    Parameters
    ----------
    n_views
        Number of views, evenly spaced over the full turn.
    n_pixels
        Rows and columns of each image.
    noise
        Standard deviation of the noise on the grey values.
    rng
        Generator or seed of the noise.

    Returns
    -------
    AnnData of grey values between 0 and 1, one image per row (n_views, n_pixels ** 2), with the angle in
    `.obs["angle"]`, in [0, 2 pi), and `.uns["simulation"]`.

    Raises
    ------
    ValueError
        If there are fewer than 3 views or 8 rows of pixels, or the noise is negative.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_rotation(36)
    >>> adata.X[0].reshape(20, 20).shape
    (20, 20)
    """
    if n_views < 3 or n_pixels < 8 or not noise >= 0:
        msg = (
            f"`n_views={n_views}`, `n_pixels={n_pixels}`, `noise={noise}`; at least 3 views of 8 x 8 pixels and a noise of "
            "at least 0 are needed."
        )
        raise ValueError(msg)
    side = n_pixels * _OVERSAMPLING
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    picture = np.zeros((side, side))
    picture[x**2 + y**2 < 0.3**2] = 0.5
    picture[(np.abs(y) < 0.14) & (x > 0) & (x < 0.7)] = 0.8
    picture[(np.abs(x - 0.35) < 0.12) & (y > 0) & (y < 0.4)] = 0.4
    picture[(x - 0.65) ** 2 + y**2 < 0.22**2] = 1.0
    angle = 2 * np.pi * np.arange(n_views) / n_views
    views = np.stack([ndimage.rotate(picture, np.degrees(a), reshape=False, order=1) for a in angle])
    images = views.reshape(n_views, n_pixels, _OVERSAMPLING, n_pixels, _OVERSAMPLING).mean(axis=(2, 4))
    images = np.clip(images + noise * np.random.default_rng(rng).normal(size=images.shape), 0, 1)
    return AnnData(
        images.reshape(n_views, -1).astype(np.float32),
        obs=pd.DataFrame({"angle": angle}, index=[f"view{i}" for i in range(n_views)]),
        var=pd.DataFrame(index=[f"pixel{i // n_pixels}_{i % n_pixels}" for i in range(n_pixels**2)]),
        uns={"simulation": {"kind": "rotation", "noise": noise, "shape": np.array([n_pixels, n_pixels])}},
    )
