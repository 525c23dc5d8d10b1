"""The training loop this course grew from: Paddle's MNIST tutorial, in which only the optimizer line changes.

    python tests/seed_program.py paddle.optimizer Adam
    python tests/seed_program.py course_lib.optimizer Adam

print the same losses. COURSE_DATA=mnist trains on MNIST itself.
"""

import argparse
import importlib

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.nn import Conv2D, Linear, MaxPool2D

from course_lib import data


class MNIST(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2D(in_channels=1, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool1 = MaxPool2D(kernel_size=2, stride=2)
        self.conv2 = Conv2D(in_channels=20, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool2 = MaxPool2D(kernel_size=2, stride=2)
        self.fc = Linear(in_features=980, out_features=10)

    def forward(self, inputs):
        x = self.max_pool1(F.relu(self.conv1(inputs)))
        x = self.max_pool2(F.relu(self.conv2(x)))
        return self.fc(paddle.reshape(x, [x.shape[0], -1]))


def train(optimizer, name, epochs, batch_size, images, folder):
    """Train with ``optimizer``, the module paddle.optimizer or its twin, and print the loss every 200 batches."""
    paddle.seed(0)
    model = MNIST()
    model.train()
    opt = getattr(optimizer, name)(learning_rate=0.01, parameters=model.parameters())
    rng = np.random.default_rng(0)
    training = data.load(size=28).subset(images).train
    for epoch in range(epochs):
        for batch, (image, label) in enumerate(data.batches(training, batch_size, rng)):
            predictions = model(paddle.to_tensor(image))
            loss = F.cross_entropy(predictions, paddle.to_tensor(label))
            if batch % 200 == 0:
                print(f"epoch: {epoch}, batch: {batch}, loss is: {loss.item():.4f}", flush=True)
            loss.backward()
            opt.step()
            opt.clear_grad()
    paddle.save(model.state_dict(), f"{folder}/mnist.pdparams")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", choices=["paddle.optimizer", "course_lib.optimizer"])
    parser.add_argument("name", help="the optimizer's class, such as SGD")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--images", type=int, default=1000, help="how many training images to use")
    parser.add_argument("--folder", default=".", help="where mnist.pdparams goes")
    arguments = vars(parser.parse_args())
    train(importlib.import_module(arguments.pop("module")), **arguments)
