"""The documents with rare words: as frequent as they say, and learned with the right gradient."""

import numpy as np

from course_lib import optimizer, rare_words


def test_words_are_as_frequent_as_they_are_called_and_labels_follow_the_truth():
    truth, words, labels = rare_words.documents(seed=3)
    for kind, frequency in (("common", 0.5), ("occasional", 0.1), ("rare", 0.01)):
        np.testing.assert_allclose(words[:, rare_words.KINDS[kind]].mean(), frequency, rtol=0.05)
    assert set(np.abs(truth)) == {2.0}
    assert rare_words.log_loss(truth, words, labels) < rare_words.log_loss(0 * truth, words, labels)


def test_one_step_follows_the_slope_of_the_loss():
    _, words, labels = rare_words.documents(seed=3)
    seen = []

    class Watched(optimizer.SGD):
        def rule(self, x, g, s, lr):
            seen.append((x, g))
            return super().rule(x, g, s, lr)

    rare_words.learn(Watched(0.5), seed=3, steps=2)
    (_, _), (x, g) = seen
    batch, h = slice(8, 16), 1e-6
    for i in range(0, 100, 7):
        shift = h * (np.arange(100) == i)
        high, low = (rare_words.log_loss(x + sign * shift, words[batch], labels[batch]) for sign in (1, -1))
        np.testing.assert_allclose(g[i], (high - low) / (2 * h), atol=1e-8)
