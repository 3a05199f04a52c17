"""Principal components of simulated cells, as a fit starts from them."""

from __future__ import annotations

import numpy as np


def principal_components(x: np.ndarray, n_components: int = 30) -> np.ndarray:
    """Scores of z-scored columns, shape (n_obs, n_components)."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    left, values, _ = np.linalg.svd(z, full_matrices=False)
    return (left * values)[:, :n_components]
