"""The same names with other formulas: what papers, documentation and PyTorch call Adam, RMSProp, 1cycle, …

``course_lib.optimizer`` computes what Paddle's kernels compute. Each class here is one of its classes with one thing
changed, so that the change can be run and measured; the page "Why the textbooks disagree" does so. A mistake against
Paddle's formula is often another author's right answer: where that is so, the catalogue of the exercises takes the form
from here.

``PYTORCH_OPTIMIZERS`` and ``PYTORCH_SCHEDULES`` say what PyTorch's classes compute, in the course's classes.
PyTorch is not needed for that; where it is installed, ``tests/test_disagreements.py`` compares.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .arrays import absolute, maximum, sqrt
from .optimizer import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Momentum, NAdam, RAdam, RMSProp
from .optimizer import lr as schedules

# --- Optimizers ------------------------------------------------------------------------------------------------------


class MomentumWithRateInside(Momentum):
    """Momentum with the learning rate inside the velocity: after it drops, larger steps go on for a while."""

    def rule(self, x, g, s, lr):
        s.velocity = self.momentum * s.velocity + lr * g
        return x - s.velocity


class DampedMomentum(Momentum):
    """Momentum whose velocity is an average of the gradients, not a sum."""

    def rule(self, x, g, s, lr):
        s.velocity = self.momentum * s.velocity + (1 - self.momentum) * g
        return x - lr * s.velocity


class PyTorchDampedMomentum(Momentum):
    """Momentum in which all gradients but the first are damped by 1 - μ: PyTorch's ``dampening``."""

    def rule(self, x, g, s, lr):
        s.velocity = g if s.t == 1 else self.momentum * s.velocity + (1 - self.momentum) * g
        return x - lr * s.velocity


class AdagradWithEpsilonInside(Adagrad):
    """Adagrad with ε inside the root."""

    def rule(self, x, g, s, lr):
        s.sum_of_squares = s.sum_of_squares + g * g
        return x - lr * g / sqrt(s.sum_of_squares + self.epsilon)


class RMSPropWithEpsilonOutside(RMSProp):
    """RMSProp, without momentum, with ε outside the root."""

    def rule(self, x, g, s, lr):
        s.mean_square = self.rho * s.mean_square + (1 - self.rho) * g * g
        return x - lr * g / (sqrt(s.mean_square) + self.epsilon)


class RMSPropWithRateOutside(RMSProp):
    """RMSProp with the learning rate outside the velocity, and ε where Paddle has it."""

    def rule(self, x, g, s, lr):
        super().rule(x, g, s, 1.0)
        return x - lr * s.velocity


class AdadeltaAtOne(Adadelta):
    """Adadelta with the paper's learning rate 1 wherever Paddle's default, 0.001, is asked for."""

    def rule(self, x, g, s, lr):
        return super().rule(x, g, s, 1000 * lr)


class PyTorchRMSProp(RMSProp):
    """RMSProp with ε outside the root and the learning rate outside the velocity."""

    def rule(self, x, g, s, lr):
        s.mean_square = self.rho * s.mean_square + (1 - self.rho) * g * g
        variance = s.mean_square
        if self.centered:
            s.mean_gradient = self.rho * s.mean_gradient + (1 - self.rho) * g
            variance = s.mean_square - s.mean_gradient * s.mean_gradient
        s.velocity = self.momentum * s.velocity + g / (sqrt(variance) + self.epsilon)
        return x - lr * s.velocity


class PyTorchAdamax(Adamax):
    """Adamax with ε beside the new gradient, where it does not pile up from step to step."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.u = maximum(absolute(g) + self.epsilon, self.beta2 * s.u)
        return x - lr / (1 - self.beta1**s.t) * s.m / s.u


class PaperNAdam(NAdam):
    """NAdam whose average m forgets by the warmed-up μ_t, not by β₁."""

    def rule(self, x, g, s, lr):
        mu = self.beta1 * (1 - 0.5 * 0.96 ** (s.t * self.momentum_decay))
        mu_next = self.beta1 * (1 - 0.5 * 0.96 ** ((s.t + 1) * self.momentum_decay))
        s.mu_product = s.mu_product * mu
        s.m = mu * s.m + (1 - mu) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = mu_next * s.m / (1 - s.mu_product * mu_next) + (1 - mu) * g / (1 - s.mu_product)
        return x - lr * m_hat / (sqrt(s.v / (1 - self.beta2**s.t)) + self.epsilon)


class AdamWithEpsilonInside(Adam):
    """Adam with ε inside the root of the corrected v."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * (g * g)
        m_hat = s.m / (1 - self.beta1**s.t)
        v_hat = s.v / (1 - self.beta2**s.t)
        return x - lr * (m_hat / sqrt(v_hat + self.epsilon))


class DocumentedAdam(Adam):
    """Adam as Paddle's documentation prints it: both corrections in the learning rate, and ε beside the raw root."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * (g * g)
        correction = sqrt(1 - self.beta2**s.t) / (1 - self.beta1**s.t)
        return x - lr * (correction * (s.m / (sqrt(s.v) + self.epsilon)))


class UncorrectedAMSGrad(Adam):
    """AMSGrad as in the paper: without bias correction."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        s.v_max = maximum(s.v_max, s.v)
        return x - lr * s.m / (sqrt(s.v_max) + self.epsilon)


class AMSGradOfCorrected(Adam):
    """AMSGrad with the largest of the corrected v, not the largest v, corrected."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        s.v_max = maximum(s.v_max, s.v / (1 - self.beta2**s.t))
        return x - lr * s.m / (1 - self.beta1**s.t) / (sqrt(s.v_max) + self.epsilon)


def rectified_length(t, beta2):
    """RAdam's ρ_t and ρ∞."""
    rho_inf = 2 / (1 - beta2) - 1
    return rho_inf - 2 * t * beta2**t / (1 - beta2**t), rho_inf


class PaperRAdam(RAdam):
    """RAdam with the paper's threshold 4: it trusts its scale a step earlier."""

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = s.m / (1 - self.beta1**s.t)
        rho, rho_inf = rectified_length(s.t, self.beta2)
        if rho <= 4:
            return x - lr * m_hat
        r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        return x - lr * r * m_hat * sqrt(1 - self.beta2**s.t) / (sqrt(s.v) + self.epsilon)


class RAdamWithoutFirstSteps(RAdam):
    """RAdam that waits while ρ_t ≤ 5, instead of following m̂."""

    def rule(self, x, g, s, lr):
        stepped = super().rule(x, g, s, lr)
        return 1.0 * x if rectified_length(s.t, self.beta2)[0] <= 5 else stepped


class AdamWithDecayWithoutRate(AdamW):
    """AdamW as in the paper: the decay is not scaled by the learning rate."""

    def rule(self, x, g, s, lr):
        return Adam.rule(self, x - self.weight_decay * x, g, s, lr)


class AdamWithL2(AdamW):
    """Adam with L2 in the place of AdamW's decay: it goes through the gradient."""

    def rule(self, x, g, s, lr):
        return Adam.rule(self, x, g + self.weight_decay * x, s, lr)


class DocumentedAdamW(AdamW):
    """AdamW as Paddle's documentation prints it: the corrected learning rate scales the decay, too."""

    def rule(self, x, g, s, lr):
        corrected = lr * sqrt(1 - self.beta2**s.t) / (1 - self.beta1**s.t)
        return DocumentedAdam.rule(self, x, g, s, lr) - corrected * self.weight_decay * x


PADDLES = {
    "Momentum": (Momentum, 0.1),
    "Adagrad": (Adagrad, 0.1),
    "RMSProp": (RMSProp, 0.01),
    "RMSProp, μ = 0.9": (partial(RMSProp, momentum=0.9), 0.001),
    "Adadelta": (Adadelta, 0.001),  # Paddle's default
    "Adam": (Adam, 0.01),
    "AMSGrad": (partial(Adam, amsgrad=True), 0.01),
    "AdamW": (AdamW, 0.01),
    "Adamax": (Adamax, 0.01),
    "NAdam": (NAdam, 0.01),
    "RAdam": (RAdam, 0.01),
}
"""Name → Paddle's form of the rule, and a learning rate at which it trains the course's small network well."""

OTHERS = {
    ("Momentum", "η inside"): ("velocity", MomentumWithRateInside),
    ("Momentum", "gradient × (1 − μ)"): ("velocity", DampedMomentum),
    ("RMSProp, μ = 0.9", "η outside"): ("velocity", partial(RMSPropWithRateOutside, momentum=0.9)),
    ("RMSProp", "ρ = 0.9"): ("defaults", partial(RMSProp, rho=0.9)),
    ("RMSProp", "ρ = 0.99"): ("defaults", partial(RMSProp, rho=0.99)),
    ("Adadelta", "η = 1"): ("defaults", AdadeltaAtOne),
    ("Adagrad", "ε inside the root"): ("epsilon", AdagradWithEpsilonInside),
    ("RMSProp", "ε outside the root"): ("epsilon", RMSPropWithEpsilonOutside),
    ("Adam", "ε inside the root"): ("epsilon", AdamWithEpsilonInside),
    ("Adam", "ε beside the raw root"): ("epsilon", DocumentedAdam),
    ("Adamax", "ε beside the gradient"): ("epsilon", PyTorchAdamax),
    ("Adamax", "no ε"): ("epsilon", partial(Adamax, epsilon=0.0)),
    ("AMSGrad", "no correction"): ("corrections", partial(UncorrectedAMSGrad, amsgrad=True)),
    ("AMSGrad", "largest corrected v"): ("corrections", partial(AMSGradOfCorrected, amsgrad=True)),
    ("NAdam", "μ_t in the average"): ("corrections", PaperNAdam),
    ("RAdam", "threshold 4"): ("corrections", PaperRAdam),
    ("RAdam", "no steps at first"): ("corrections", RAdamWithoutFirstSteps),
    ("AdamW", "decay without η"): ("decay", AdamWithDecayWithoutRate),
    ("AdamW", "decay × corrected η"): ("decay", DocumentedAdamW),
    ("AdamW", "L2 in its place"): ("decay", AdamWithL2),
}
"""(Name, what is changed) → what the difference is about, and the form with that one change."""

# --- Schedules -------------------------------------------------------------------------------------------------------


def pytorch_one_cycle(max_learning_rate: float, total_steps: int, final_div_factor: float = 1e4, **settings):
    """PyTorch's 1cycle: the end is a fraction of the beginning, and the momentum is cycled unless that is declined.

    Example:
        >>> float(f"{pytorch_one_cycle(0.5, 100).at(99):.3g}")
        2e-06
    """
    first = max_learning_rate / settings.get("divide_factor", 25.0)
    settings = {"end_learning_rate": first / final_div_factor, "momentum": (0.95, 0.85), **settings}
    return schedules.OneCycleLR(max_learning_rate, total_steps, **settings)


class PinnedCosine(schedules.CosineAnnealingDecay):
    """Cosine annealing that stays at the bottom after ``T_max``."""

    def formula(self, t):
        return super().formula(min(t, self.T_max))


class PyTorchReduceOnPlateau(schedules.ReduceOnPlateau):
    """ReduceOnPlateau that remembers the best metric during the cooldown, too."""

    def step(self, metrics, epoch=None):
        if self.cooldown_counter > 0 and self._is_better(metrics):
            self.best = metrics
        super().step(metrics, epoch)


# --- PyTorch's classes in the course's -------------------------------------------------------------------------------


class Twin(NamedTuple):
    """A class of PyTorch and what computes the same here."""

    name: str
    """Class in ``torch.optim`` or ``torch.optim.lr_scheduler``."""
    settings: dict
    """Arguments as PyTorch calls them; all others are left at PyTorch's defaults."""
    ours: Callable
    """The learning rate → the optimizer or schedule of the course, with PyTorch's defaults written out."""
    default_lr: float | None = None
    """PyTorch's default learning rate (of an optimizer)."""


def _momentum(lr, **settings):
    return Momentum(lr, momentum=0.9, **settings)


def _rmsprop(lr, **settings):
    return PyTorchRMSProp(lr, rho=0.99, epsilon=1e-8, **settings)


PYTORCH_OPTIMIZERS = [
    Twin("SGD", {}, SGD, 1e-3),
    Twin("SGD", {"momentum": 0.9}, _momentum, 1e-3),
    Twin("SGD", {"momentum": 0.9, "nesterov": True}, lambda lr: _momentum(lr, use_nesterov=True), 1e-3),
    Twin("SGD", {"momentum": 0.9, "dampening": 0.9}, PyTorchDampedMomentum, 1e-3),
    Twin("Adagrad", {}, lambda lr: Adagrad(lr, epsilon=1e-10), 1e-2),
    Twin("RMSprop", {}, _rmsprop, 1e-2),
    Twin("RMSprop", {"momentum": 0.9}, lambda lr: _rmsprop(lr, momentum=0.9), 1e-2),
    Twin("RMSprop", {"centered": True}, lambda lr: _rmsprop(lr, centered=True), 1e-2),
    Twin("Adadelta", {}, lambda lr: Adadelta(lr, rho=0.9, epsilon=1e-6), 1.0),
    Twin("Adam", {}, Adam, 1e-3),
    Twin("Adam", {"amsgrad": True}, lambda lr: Adam(lr, amsgrad=True), 1e-3),
    Twin("AdamW", {}, AdamW, 1e-3),
    Twin("Adamax", {}, PyTorchAdamax, 2e-3),
    Twin("NAdam", {}, NAdam, 2e-3),
    Twin("RAdam", {}, RAdam, 1e-3),
]

PYTORCH_SCHEDULES = [
    Twin("StepLR", {"step_size": 30}, lambda lr: schedules.StepDecay(lr, 30)),
    Twin("MultiStepLR", {"milestones": [20, 90]}, lambda lr: schedules.MultiStepDecay(lr, [20, 90])),
    Twin("ExponentialLR", {"gamma": 0.9}, lambda lr: schedules.ExponentialDecay(lr, 0.9)),
    Twin("PolynomialLR", {"total_iters": 50}, lambda lr: schedules.PolynomialDecay(lr, 50, end_lr=0.0)),
    Twin("LinearLR", {}, lambda lr: schedules.LinearLR(lr, total_steps=5)),
    Twin("CosineAnnealingLR", {"T_max": 50}, lambda lr: schedules.CosineAnnealingDecay(lr, 50)),
    Twin("CosineAnnealingWarmRestarts", {"T_0": 10}, lambda lr: schedules.CosineAnnealingWarmRestarts(lr, 10)),
    Twin(
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 20},
        lambda lr: schedules.CyclicLR(0.1, 1.0, step_size_up=20),
    ),
    Twin("OneCycleLR", {"max_lr": 1.0, "total_steps": 200}, lambda lr: pytorch_one_cycle(1.0, 200)),
    Twin(
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 200, "three_phase": True, "anneal_strategy": "linear"},
        lambda lr: pytorch_one_cycle(1.0, 200, three_phase=True, anneal_strategy="linear"),
    ),
]
