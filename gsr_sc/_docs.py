"""Parameter texts that several functions share, in one place.

A docstring asks for one by its name in braces, `{key}`, on a line of its own, under `@doc_params()`.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    F = TypeVar("F", bound=Callable[..., Any] | type)

# What `GSR` and `tl.fit` are both told about a model.
MODEL = """\
graph
    `"grid"`, `"torus"`, `"hex"`; `"ring"`, `"line"`, or three of them, `"rings"`, `"lines"`; `"star"` (four arms),
    `"tree"` (two forks from trunk to end), `"wishbone"` (a stem and two branches), `"groups"` (of four neurons);
    `"learned"`: neurons that act together are tied, which makes them indicate clusters (:func:`gsr_sc.graphs.learned`);
    a networkx graph, a dense or sparse adjacency, or an object of :mod:`gsr_sc.graphs`, for any other shape.
n_neurons
    Number of neurons of a named graph; by default one for eight observations, at most 144 (12 x 12) on a lattice,
    32 on a ring or line, 64 if the graph is learned, and 42 to 49 on the others.
layer
    Layer to read instead of X.
use_rep
    Key of `.obsm` to read instead of X, used as given, in whatever unit. `"X"` means X.
mask_var
    Which variables to use: the name of a boolean column of `.var`, or a boolean array.
    By default `highly_variable` if there is such a column, else all.
transform
    What the encoder sees. `"zscore"`: every gene centred and scaled to unit variance; counts are scaled to equal
    totals and log-transformed first, with a pseudo-count matched to their overdispersion.
    `"pearson"`: analytic Pearson residuals of counts. `"combined"`: of counts a mean of these two at equal variance,
    which finds rare types as the first and graded programs as the second; the first weigh more, the more counts vary beyond
    sampling (`params["log_weight"]`). Other values are centred and divided by
    sd^(2/3), so that genes that vary more say more, but not in proportion. None: values as given, in whatever unit.
    `"auto"`: None for representations and for fractions between 0 and 1 (grey images); `"zscore"` for zeros and ones;
    else `"combined"`. From normalised counts (each cell's scaled to one total, with or without log(1 + x)) `"auto"` and
    `"pearson"` read the counts back, without loss, so that the map is that of the counts. Other abundances (corrected counts,
    transcripts per million, intensities; high values many times the median) and their logarithms (100 variables or more, a
    tenth zero, some above 1) `"auto"` brings to about the depth of each observation: a fifth of its values below one.
    `params["unlogged"]` says which it was. The other transforms take values as they are.
likelihood
    What the decoder is judged by, whatever the encoder sees. `"gaussian"`: squared error on that scale.
    `"nb"`, `"poisson"`: negative binomial or Poisson likelihood of counts, given the total of each cell.
    `"bernoulli"`: cross-entropy of values in [0, 1]. `"auto"`: `"gaussian"`.
batch_key
    Column of `.obs` that tells the batch, or several: encoder and decoder are told it, and the annealed start takes off
    what it shifts, so that the map shows what batches share. New observations need a batch that the fit has seen.
labels_key
    Column of `.obs` with labels that are read from the neurons beside the reconstruction, so that the map tells them
    apart; missing values are unlabelled observations, which are predicted.
unlabelled_category
    A label that stands for unlabelled observations too, such as `"Unknown"`.
smoothness
    Strength of the penalty on a scale that means the same on every data set: 0 turns it off, 1 is smooth.
    `"auto"`: the largest of 1, .25, .06, .015 and 0 that keeps the held-out explained variance (of counts and
    probabilities: the deviance explained) within `tolerance`; on lines, rings and trees from .25 on, as more costs the order.
tolerance
    Share of what the unpenalised network explains that `smoothness="auto"` may give up.
init
    Where the map starts. `"pca"`, `"spectral"`: an annealed soft map started from principal components or
    diffusion coordinates. `"auto"`: lines, rings and trees are laid along the data unfolded by diffusion, with outlying
    clusters set aside, and branches then read from a smooth curve of every variable; a ring of at most 250 observations with
    little noise (views of an object) along a tour of them; other graphs start from principal components. `"random"`: none,
    which folds the map.
    Any other name is a key of `.obsm`, with or without its `X_`, to start the annealed map from, such as `"phate"`.
activation
    `"simplex"`: roots of a softmax over neurons, which gives local patches: squared, the activations of a cell sum to 1.
    `"relu"`, or `"linear"` as first published, which gives gradients over the whole layer. `"heat"`, `"wavelet"`: the
    softmax passed through a localising filter of the graph, so that every neuron has a receptive field: a bump, or a bump
    with a negative surround.
filter_time
    How far these two filters reach: about sqrt(2 t) steps between neurons.
hidden
    Widths of the network's layers before the layer of neurons.
hidden_decoder
    Widths of those behind it; by default `hidden` in reverse, which puts the neurons in the middle. Any hidden layer
    can be the one on the graph: `hidden=(128, 10), hidden_decoder=(128,)` puts it behind a bottleneck of 10 units,
    `hidden=(128,), hidden_decoder=(10, 128)` before one.
penalty
    What `smoothness` weighs. `"dirichlet"`: squared differences between neighbouring neurons. `"rayleigh"`: the same
    over the sum of squares of the activations, which does not depend on their scale. `"l1"`, `"l2"`: size of the
    activations, without the graph, to see what the graph contributes.
laplacian
    How neighbours are weighed. `"unnormalised"`: every edge the same. `"symmetric"`, `"random_walk"`: less where a
    neuron has many.
max_epochs
    Passes over the data after the warm-up; by default as many as show the network 155 000 observations, between 12 and
    20, or more, up to 200, where these would be few steps. Where there are more than 50 000 observations to train on, a
    pass is over so many of them, drawn anew.
rng
    Seed or generator of the weights, the batches and the noise. The same seed, number of threads and machine give
    the same bits. The global random state is neither used nor changed. Which observations are held out, and the
    annealed start, do not depend on the seed.
device
    `"auto"`: CUDA where there is one, else the CPU; or anything torch knows.
n_jobs
    Number of threads: two learn from the two halves of a batch. By default as many as the process may use processors,
    by affinity and by the quota of a container. One thread and two give the same bits. torch's own setting is put back.
checkpoint
    File to keep the state of the training in, written at the end of an epoch, every ten seconds at most. If it is there
    already, the training goes on from it, and ends as it would have without a break; a state of other data or options is
    refused. It is removed when the training has ended, and kept if that was interrupted. By default nothing is kept.
random_state
    Another spelling of `rng`."""


# What several functions say in the same words, by the name of the parameter; `shown` is what pictures return.
SHARED = {
    "key": """\
key
    What was passed as `key_added` when the map was fitted.""",
    "copy": """\
copy
    Whether to return an annotated copy instead of annotating `adata`.""",
    "progress": """\
progress
    Whether to show the progress bar; by default in terminals and notebooks.""",
    "norm": """\
norm
    A matplotlib scale instead of limits.""",
    "show": """\
show
    Whether to show the figure; by default as `scanpy.settings.autoshow` says.""",
    "return_fig": """\
return_fig
    Whether to return the figure without showing it.""",
    "ax": """\
ax
    Axes to draw into, for a single panel.""",
    "outline": """\
outline
    Whether to draw thin lines between neighbouring neurons of different indicator groups.""",
    "frameon": """\
frameon
    Whether to draw a frame; by default round tiles only.""",
    "shown": """\
None if shown; with `return_fig` the figure; else the axes, as a list if there are several panels.""",
}
_PLACEHOLDER = re.compile(r"( *)\{(\w+)\}")


def doc_params(**texts: str) -> Callable[[F], F]:
    """Replace every `{name}` on a line of its own in a docstring by a text, indented as that line.

    Parameters
    ----------
    **texts
        Texts by name, beside those of :data:`SHARED`.

    Raises
    ------
    KeyError
        When a docstring asks for a text that there is not.
    """
    known = {**SHARED, **texts}

    def decorate(thing: F) -> F:
        lines = inspect.cleandoc(thing.__doc__ or "").splitlines()
        asked = [_PLACEHOLDER.fullmatch(line) for line in lines]
        thing.__doc__ = "\n".join(
            line if found is None else textwrap.indent(known[found[2]], found[1])
            for line, found in zip(lines, asked, strict=True)
        )
        return thing

    return decorate
