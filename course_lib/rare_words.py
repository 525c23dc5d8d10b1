"""Documents whose words are common or rare: a small world with sparse features in which the truth is known.

A document is a list of words, each present (1) or absent (0). Every word speaks for or against the label, all equally
strongly: its true weight is +2 or -2. The model is logistic regression.
"""

from __future__ import annotations

import functools

import numpy as np

frequency = np.repeat([0.5, 0.1, 0.01], [10, 10, 80])  # of each of the 100 words
KINDS = {"common": frequency == 0.5, "occasional": frequency == 0.1, "rare": frequency == 0.01}


@functools.lru_cache
def documents(seed: int, count: int = 7000):
    """The true weights ``[words]``, the documents ``[count, words]`` and their labels ``[count]``, 0 or 1.

    Example:
        >>> truth, words, labels = documents(seed=0)
        >>> words.shape, labels.shape
        ((7000, 100), (7000,))
    """
    rng = np.random.default_rng(seed)
    truth = rng.choice([-2.0, 2.0], len(frequency))
    words = (rng.random((count, len(frequency))) < frequency).astype(float)
    labels = rng.random(count) < 1 / (1 + np.exp(-words @ truth))
    return truth, words, labels.astype(float)


def log_loss(weights, words, labels):
    r"""The mean of :math:`\ln(1 + e^z) - y z` over documents, where z is the sum of the weights of the words present.

    Example:
        >>> round(float(log_loss(np.zeros(100), *documents(seed=0)[1:])), 4)  # guessing: ln 2
        0.6931
    """
    z = words @ weights
    return np.mean(np.logaddexp(0, z) - labels * z)


def learn(rule, seed, steps=500, batch=8):
    """Train on 4,000 documents, eight at a time, and judge the weights.

    Args:
        rule: Optimizer without parameters; its ``rule`` and learning rate are used, on arrays.
        seed: Of the documents.
        steps, batch: Number of steps, and documents in each of them.

    Returns:
        Loss on 1,000 ``validation`` and 2,000 ``test`` documents; for each of ``KINDS`` the ``error`` of the weights
        as a share of their true size and the ``root`` of the sum of squared gradients, if the rule keeps that sum.

    Example:
        >>> from course_lib import optimizer
        >>> bool(learn(optimizer.SGD(1.0), seed=0)["test"] < 0.5)
        True
    """
    truth, words, labels = documents(seed)
    w, s = np.zeros(len(truth)), rule.fresh_state(truth)
    for t in range(steps):
        x, y = words[t * batch : (t + 1) * batch], labels[t * batch : (t + 1) * batch]
        probability = (1 + np.tanh(x @ w / 2)) / 2  # is 1 / (1 + e^-z)
        g = x.T @ (probability - y) / batch
        s.t += 1
        w = rule.rule(w, g, s, rule.get_lr())
    kinds, sums = KINDS.values(), getattr(s, "sum_of_squares", w * 0)
    return {
        "validation": log_loss(w, words[4000:5000], labels[4000:5000]),
        "test": log_loss(w, words[5000:], labels[5000:]),
        "error": [np.sqrt(np.mean((w / truth - 1)[kind] ** 2)) for kind in kinds],
        "root": [np.sqrt(sums)[kind].mean() for kind in kinds],
    }
