"""One right step of Adam and of each of its relatives in parts, of which ``adam_slips`` replaces some."""

from __future__ import annotations

from ...arrays import absolute, maximum, sqrt
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


def uncorrected(step, beta, other):
    return 1.0


class AdamStep:
    """One step of Adam. Methods are its parts; a slip is a subclass with other ones."""

    own = frozenset()  # parts that are so different from Adam's that the words of a slip in Adam's do not fit
    scale = "v"  # the slot of what the step is divided by
    new_m = new_v = average
    correct_m = correct_v = correction
    change = nested

    def __init__(self, g, s, lr, beta1, beta2, epsilon):
        self.g, self.s, self.t, self.lr, self.beta1, self.beta2, self.epsilon = g, s, s.t, lr, beta1, beta2, epsilon
        self.of_m, self.of_v = self.correct_m(beta1, beta2), self.correct_v(beta2, beta1)
        self.m = self.new_m(s.m, g, beta1, beta2)
        self.old_v = getattr(s, self.scale)
        self.v = self.new_v(self.old_v, self.square(), beta2, beta1)
        self.m_used, self.v_used = self.use_m(s.m, self.m), self.use_v(*self.scales())
        s.m = self.m
        setattr(s, self.scale, self.v)

    def square(self):
        return self.g * self.g

    def scales(self):
        """What may be divided by: before this gradient, and after it."""
        return self.old_v, self.v

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


class NAdamStep(AdamStep):
    own = frozenset({"correct_m", "top"})
    correct_m = uncorrected

    def __init__(self, g, s, lr, beta1, beta2, epsilon, momentum_decay):
        self.momentum_decay = momentum_decay
        super().__init__(g, s, lr, beta1, beta2, epsilon)

    def mu(self, t):
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def next_mu(self):
        return self.mu(self.t + 1)

    def products(self):
        """The product up to this step, which is kept, and the one up to the next."""
        self.s.mu_product = self.s.mu_product * self.mu(self.t)
        return self.s.mu_product, self.s.mu_product * self.next_mu()

    def shares(self):
        """The weights of m and of g in the direction, not yet corrected."""
        return self.next_mu(), 1 - self.mu(self.t)

    def corrections(self):
        """What they are divided by."""
        now, following = self.products()
        return 1 - following, 1 - now

    def top(self):
        (of_m, of_g), (m_grown, g_grown) = self.shares(), self.corrections()
        return of_m * self.m_used / m_grown + of_g * self.g / g_grown


class AdamaxStep(AdamStep):
    own = frozenset({"new_v", "correct_v", "square", "use_v", "quotient", "change"})
    scale = "u"
    correct_v = uncorrected

    def square(self):
        return absolute(self.g)

    def new_v(self, old, new, beta, other):
        return maximum(new, beta * old + self.epsilon)

    def quotient(self, top, u):
        return top / u
