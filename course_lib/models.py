"""The networks of the course: small, and the same in every chapter.

Each takes images ``[n, 1, h, w]`` and returns logits ``[n, classes]``. With ``seed`` the first weights can be
repeated; without it they come from Paddle's generator. Paddle draws them, unless told otherwise, from Xavier's
uniform distribution in ``Linear`` and from He's normal one in ``Conv2D``, and starts biases at 0.
"""

from __future__ import annotations

from paddle import nn

from course_lib import errors
from course_lib.data import Dataset
from course_lib.seeding import seeded

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def mlp(inputs=64, hidden=(64,), classes: int = 10, activation: str = "relu", seed: int | None = None) -> nn.Layer:
    """A fully connected network: inputs → hidden … → classes, with ``activation`` after each hidden layer.

    Args:
        inputs: Pixels of an image, or a Dataset, whose pixels and classes are then taken.
        hidden: Units of each hidden layer; ``()`` gives softmax regression.
        classes: Number of logits.
        activation: ``"relu"``, ``"tanh"``, ``"sigmoid"`` or ``"gelu"``.
        seed: Makes the weights repeatable.

    Raises:
        TypeError, ValueError: A size that is no whole number of at least 1, or an unknown activation.

    Example:
        >>> import paddle
        >>> model = mlp(64, hidden=(32, 16), seed=0)
        >>> tuple(model(paddle.zeros([5, 1, 8, 8])).shape)
        (5, 10)
    """
    if isinstance(inputs, Dataset):
        inputs, classes = inputs.inputs, inputs.classes
    errors.choice("activation", activation, ACTIVATIONS)
    if not isinstance(hidden, (tuple, list)):
        raise TypeError(f"hidden must be a tuple of layer sizes such as (64,), got {hidden!r}")
    sizes = [errors.whole("inputs", inputs, low=1), *(errors.whole("hidden", units, low=1) for units in hidden)]
    layers = [nn.Flatten()]
    with seeded(seed):
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
        layers.append(nn.Linear(sizes[-1], errors.whole("classes", classes, low=1)))
    return nn.Sequential(*layers)


def mnist_cnn(size: int = 28, seed: int | None = None) -> nn.Layer:
    """The network of Paddle's MNIST tutorial: two convolutions of 20 channels, pooling, one linear layer.

    Args:
        size: Height and width of an image, at least 4; each pooling halves it.
        seed: Makes the weights repeatable.

    Raises:
        TypeError, ValueError: ``size`` is no whole number of at least 4.

    Example:
        >>> import paddle
        >>> tuple(mnist_cnn(size=8, seed=0)(paddle.zeros([5, 1, 8, 8])).shape)
        (5, 10)
    """
    size = errors.whole("size", size, low=4)
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2D(1, 20, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2D(kernel_size=2, stride=2),
            nn.Conv2D(20, 20, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2D(kernel_size=2, stride=2),
            nn.Flatten(),
            nn.Linear(20 * (size // 4) ** 2, 10),
        )


def lenet(size: int = 28, seed: int | None = None) -> nn.Layer:
    """LeNet as Caffe ships it, the network of the super-convergence experiments: 20 and 50 channels, 500 units.

    Args:
        size: Height and width of an image, at least 16: the convolutions are not padded.
        seed: Makes the weights repeatable.

    Raises:
        TypeError, ValueError: ``size`` is no whole number of at least 16.

    Example:
        >>> import paddle
        >>> tuple(lenet(seed=0)(paddle.zeros([5, 1, 28, 28])).shape)
        (5, 10)

    Source: Caffe, examples/mnist/lenet_train_test.prototxt. It differs from LeCun et al. (1998) in its channels and
    in having ReLU in place of tanh, after the linear layer only. Caffe draws all weights by Xavier's rule.
    """
    size = errors.whole("size", size, low=16)
    side = ((size - 4) // 2 - 4) // 2
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2D(1, 20, kernel_size=5),
            nn.MaxPool2D(kernel_size=2, stride=2),
            nn.Conv2D(20, 50, kernel_size=5),
            nn.MaxPool2D(kernel_size=2, stride=2),
            nn.Flatten(),
            nn.Linear(50 * side * side, 500),
            nn.ReLU(),
            nn.Linear(500, 10),
        )
