"""Cells of a query among the reference, or among their own kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from gsr_sc.stats import Company, common_excess

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_DIMS = 8
CENTRES = 6 * np.eye(4, N_DIMS)


def cells(n: int, seed: int, types: list[int], *, shift: float = 0.0) -> NDArray[np.float32]:
    """Cells of some types in turn, noise about their centres."""
    rng = np.random.default_rng(seed)
    points = CENTRES[np.resize(types, n)] + rng.normal(size=(n, N_DIMS))
    points[:, -1] += shift
    return points.astype(np.float32)


KNOWN = cells(400, 0, [0, 1, 2, 3])


def between(n: int, seed: int) -> NDArray[np.float32]:
    """A type in the middle of all others, nearer to each than they are to one another."""
    return (CENTRES.mean(axis=0) + np.random.default_rng(seed).normal(size=(n, N_DIMS))).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_a_type_between_others_is_found_by_its_company(seed: int) -> None:
    usual, new = cells(100, seed + 10, [0, 1, 2, 3]), between(60, seed + 20)
    company = Company.of(np.concatenate([usual, new]), KNOWN)
    is_new = np.repeat([0, 1], [100, 60])
    assert roc_auc_score(is_new, np.r_[company(usual), company(new)]) > 0.97
    assert (company(new) > np.quantile(company(usual), 0.95)).mean() > 0.9


def test_more_of_a_rare_type_is_rarely_taken_for_a_new_one() -> None:
    rarely = [0, *[1, 2, 3] * 6]
    known, false, found = cells(400, 0, rarely), [], []
    for seed in range(6):
        more, new = cells(200, seed + 10, [0]), between(60, seed + 20)
        company = Company.of(np.concatenate([cells(100, seed, rarely), more, new]), known)
        # There are forty times as many as in the reference.
        number_alone = Company(company.query, known, np.zeros(len(known)))
        for measure in (number_alone, company):
            usual = np.quantile(measure(cells(400, seed + 30, rarely)), 0.95)
            false.append((measure(more) > usual).mean())
        found.append((company(new) > usual).mean())
    assert np.mean(false[::2]) > 0.85
    assert np.mean(false[1::2]) < 0.5
    assert np.mean(found) > 0.9


def test_more_of_the_same_keeps_the_company_of_the_reference_whoever_comes_with_it() -> None:
    p_values = []
    for seed in range(30):
        query, held_out = cells(150, seed + 100, [0, 1, 2, 3]), cells(150, seed + 200, [0, 1, 2, 3])
        company = Company.of(np.concatenate([query, between(80, seed + 300)]), KNOWN)
        p_values.append(ks_2samp(company(query), company(held_out)).pvalue)
    # Values of one query depend on each other a little, so that the law is asked about in the middle only.
    assert 0.2 < np.mean(np.array(p_values) < 0.5) < 0.8


def test_order_of_rows_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    query = np.concatenate([cells(50, 1, [0, 1]), between(20, 2)])
    shuffled = rng.permutation(len(query))
    once, again = Company.of(query, KNOWN), Company.of(query[shuffled], KNOWN[rng.permutation(len(KNOWN))])
    np.testing.assert_allclose(once(query)[shuffled], again(query[shuffled]), rtol=1e-6)


def test_a_cell_is_no_company_to_itself() -> None:
    query = cells(60, 3, [0, 1])
    alone = Company.of(query[1:], KNOWN)
    beside = Company(query, KNOWN, alone.usual)
    assert beside(query[:1]) == pytest.approx(alone(query[:1]))


@pytest.mark.parametrize(("n_query", "n_known"), [(1, 1), (1, 400), (50, 2)])
def test_few_cells_are_enough(n_query: int, n_known: int) -> None:
    company = Company.of(cells(n_query, 0, [0]), KNOWN[:n_known])
    assert np.isfinite(company(cells(5, 1, [0]))).all()


@pytest.mark.parametrize(("shift", "new", "least", "most"), [(0, False, 0, 0.3), (0, True, 0, 0.3), (4, False, 1.5, 9)])
def test_an_excess_is_common_if_most_groups_have_it(shift: float, new: bool, least: float, most: float) -> None:
    query = cells(200, 5, [0, 1, 2, 3], shift=shift)
    if new:
        query[::4] = between(50, 6)
    held_out = cells(200, 7, [0, 1, 2, 3])
    company = Company.of(query, KNOWN)
    groups = np.resize([0, 1, 2, 3], 200)
    assert least <= common_excess(company(query), groups, company(held_out), groups) <= most


def test_without_groups_on_both_sides_there_is_no_common_excess() -> None:
    assert common_excess(np.ones(9), np.zeros(9), np.zeros(9), np.ones(9)) == 0
    assert common_excess(np.ones(2), np.zeros(2), np.zeros(9), np.zeros(9)) == 0
