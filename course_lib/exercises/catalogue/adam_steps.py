"""One right step of Adam, AMSGrad and RAdam in parts, of which ``adam_slips`` replaces some."""

from __future__ import annotations

from ...arrays import maximum, sqrt
from ...variants import rectified_length


def average(step, old, new, beta, other):
    return beta * old + (1 - beta) * new


def correction(step, beta, other):
    return 1 - beta**step.t


def nested(step):
    """Correct the averages, then divide: ε stands beside the corrected root."""
    return step.quotient(step.top() / step.of_m, step.v_used / step.of_v)


def folded(step):
    """Divide, then correct: ε stands beside the raw root."""
    return sqrt(step.of_v) / step.of_m * step.quotient(step.top(), step.v_used)


class AdamStep:
    """One step of Adam. Methods are its parts; a slip is a subclass with other ones."""

    new_m = new_v = average
    correct_m = correct_v = correction
    change = nested

    def __init__(self, g, s, lr, beta1, beta2, epsilon):
        self.g, self.s, self.t, self.lr, self.beta1, self.beta2, self.epsilon = g, s, s.t, lr, beta1, beta2, epsilon
        self.of_m, self.of_v = self.correct_m(beta1, beta2), self.correct_v(beta2, beta1)
        self.m = self.new_m(s.m, g, beta1, beta2)
        self.v = self.new_v(s.v, self.square(), beta2, beta1)
        self.m_used, self.v_used = self.use_m(s.m, self.m), self.use_v(*self.scales())
        s.m, s.v = self.m, self.v

    def square(self):
        return self.g * self.g

    def scales(self):
        """What may be divided by: before this gradient, and after it."""
        return self.s.v, self.v

    def use_m(self, old, new):
        return new

    use_v = use_m

    def top(self):
        return self.m_used

    def quotient(self, top, v):
        return top / (sqrt(v) + self.epsilon)

    def move(self, x, change):
        return x - self.lr * change

    def __call__(self, x):
        return self.move(x, self.change())


class AMSGradStep(AdamStep):
    def scales(self):
        old, self.s.v_max = self.s.v_max, maximum(self.s.v_max, self.v)
        return old, self.s.v_max


class RAdamStep(AdamStep):
    change = folded

    def __call__(self, x):
        rho, rho_inf = rectified_length(self.t, self.beta2)
        if rho <= 5:
            return x - self.lr * self.top() / self.of_m
        self.lr *= r_squared(rho, rho_inf) ** 0.5
        return super().__call__(x)


def r_squared(rho, rho_inf):
    return (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
