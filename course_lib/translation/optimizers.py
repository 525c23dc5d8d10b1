"""The table of optimizers: for each class of ``torch.optim`` a function with its arguments that says what
Paddle's are.

Names, order and defaults of the arguments are PyTorch's; a test compares them. PyTorch's defaults are spelled out in
the answer, because Paddle's are others in places.
"""

from __future__ import annotations

from .answer import CHANGED, EQUAL, NEAREST, NONE, Translation
from .source import Source, call, code

OPTIMIZERS = {}
"""Class of ``torch.optim`` → the function that translates a call of it."""

PARAMETERS = "model.parameters()"


def of(name: str):
    """Enter a function into the table."""

    def enter(function):
        OPTIMIZERS[name] = function
        return function

    return enter


def _paddles(name: str, **arguments) -> str:
    if arguments.get("weight_decay") == 0:
        del arguments["weight_decay"]  # Paddle's default, but for AdamW, which is not called without
    return call(f"paddle.optimizer.{name}", {**arguments, "parameters": Source(PARAMETERS)})


def _betas(betas, eps) -> dict:
    """β₁, β₂ and ε; of betas that are code the two parts are asked for."""
    beta1, beta2 = (Source(f"{betas}[{k}]") for k in (0, 1)) if isinstance(betas, Source) else betas
    return {"beta1": beta1, "beta2": beta2, "epsilon": eps}


def _decays_beside(name: str, answer: str, lr, weight_decay) -> Translation:
    return Translation(
        answer,
        CHANGED,
        (
            f"Paddle's {name} has no decoupled weight decay. Before each optimizer.step(), shrink the parameters: "
            f"with paddle.no_grad(), p.scale_(1 - lr * {weight_decay!r}) for each, lr being optimizer.get_lr().",
        ),
    )


@of("SGD")
def _sgd(lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False):
    if nesterov is True and (momentum == 0 or dampening != 0):
        raise ValueError(f"nesterov=True needs a momentum and no dampening, got {momentum=!r}, {dampening=!r}")
    if momentum == 0:
        return Translation(_paddles("SGD", learning_rate=lr, weight_decay=weight_decay), EQUAL)
    settings = {"momentum": momentum, "use_nesterov": nesterov, "weight_decay": weight_decay}
    if dampening == 0:
        return Translation(_paddles("Momentum", learning_rate=lr, **settings), EQUAL)
    return Translation(
        _paddles("Momentum", learning_rate=lr * (1 - dampening), **settings),
        NEAREST,
        (
            "Paddle's Momentum has no dampening d. A learning rate of lr · (1 - d) does the same, but for the first "
            "gradient, which PyTorch does not damp: they part by up to lr · d / (1 - momentum) times that gradient.",
        ),
    )


@of("Adagrad")
def _adagrad(lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, *, maximize=False):
    settings = {
        "epsilon": eps,
        "weight_decay": weight_decay,
        "initial_accumulator_value": None if initial_accumulator_value == 0 else initial_accumulator_value,
    }
    if lr_decay == 0:
        return Translation(_paddles("Adagrad", learning_rate=lr, **settings), EQUAL)
    schedule = call("paddle.optimizer.lr.InverseTimeDecay", {"learning_rate": lr, "gamma": lr_decay})
    return Translation(
        _paddles("Adagrad", learning_rate=Source(schedule), **settings),
        CHANGED,
        ("lr_decay is a schedule in Paddle. Keep it in a variable, and call its step() after each optimizer.step().",),
    )


@of("RMSprop")
def _rmsprop(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, *, maximize=False):
    notes = [
        "Paddle has ε inside the root, √(v + ε), and PyTorch outside, √v + ε. So epsilon is eps² here. While √v is far "
        "above eps the paths are the same; where it is equal to eps, Paddle's step is √2 times as long. Never copy eps "
        "as it stands: gradients below √eps would hardly move anything.",
    ]
    if momentum != 0:
        notes.append(
            "Paddle has the learning rate inside the velocity, PyTorch outside. When a schedule lowers it, Paddle's "
            "velocity goes on at the old rate, for about 1 / (1 - momentum) steps."
        )
    notes.append(
        "course_lib.variants.PyTorchRMSProp(learning_rate, rho, epsilon, momentum, centered, parameters) is PyTorch's "
        "formula in a class that runs in a Paddle program."
    )
    arguments = {"rho": alpha, "epsilon": eps**2, "momentum": None if momentum == 0 else momentum, "centered": centered}
    return Translation(
        _paddles("RMSProp", learning_rate=lr, **arguments, weight_decay=weight_decay), NEAREST, tuple(notes)
    )


@of("Adadelta")
def _adadelta(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, *, maximize=False):
    return Translation(_paddles("Adadelta", learning_rate=lr, epsilon=eps, rho=rho, weight_decay=weight_decay), EQUAL)


@of("Adam")
def _adam(
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    amsgrad=False,
    *,
    maximize=False,
    decoupled_weight_decay=False,
):
    if decoupled_weight_decay is True:
        return _adamw(lr, betas, eps, weight_decay, amsgrad)
    arguments = {"learning_rate": lr, **_betas(betas, eps), "weight_decay": weight_decay, "amsgrad": amsgrad}
    return Translation(_paddles("Adam", **arguments), EQUAL)


@of("AdamW")
def _adamw(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False):
    if weight_decay == 0:  # the same rule, and AdamW without it would decay by its default
        return _adam(lr, betas, eps, 0, amsgrad)
    arguments = {"learning_rate": lr, **_betas(betas, eps), "weight_decay": weight_decay, "amsgrad": amsgrad}
    return Translation(_paddles("AdamW", **arguments), EQUAL)


@of("SparseAdam")
def _sparse_adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, *, maximize=False):
    return Translation(
        _paddles("Adam", learning_rate=lr, **_betas(betas, eps), lazy_mode=True),
        NEAREST,
        (
            "lazy_mode leaves the rows alone that have no gradient, for layers as paddle.nn.Embedding(…, sparse=True).",
            "For such gradients Paddle corrects the averages as if each step were the next one, with β^(t+1): with "
            "β = (0.9, 0.999) the first step is 26 % shorter, and the difference fades within some twenty steps.",
        ),
    )


@of("Adamax")
def _adamax(lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, *, maximize=False):
    return Translation(
        _paddles("Adamax", learning_rate=lr, **_betas(betas, eps), weight_decay=weight_decay),
        NEAREST,
        (
            "Paddle adds ε to the old maximum, max(|g|, β₂u + ε), PyTorch to the new gradient, max(|g| + ε, β₂u). The "
            "paths are the same while gradients are far above eps, and part where they are not: Paddle's ε piles up "
            "to eps / (1 - β₂).",
            "course_lib.variants.PyTorchAdamax(learning_rate, beta1, beta2, epsilon, parameters) is PyTorch's formula "
            "in a class that runs in a Paddle program.",
        ),
    )


@of("NAdam")
def _nadam(
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    *,
    maximize=False,
):
    arguments = {"learning_rate": lr, **_betas(betas, eps), "momentum_decay": momentum_decay}
    if decoupled_weight_decay is True and weight_decay != 0:
        return _decays_beside("NAdam", _paddles("NAdam", **arguments), lr, weight_decay)
    return Translation(_paddles("NAdam", **arguments, weight_decay=weight_decay), EQUAL)


@of("RAdam")
def _radam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, maximize=False):
    arguments = {"learning_rate": lr, **_betas(betas, eps)}
    if decoupled_weight_decay is True and weight_decay != 0:
        return _decays_beside("RAdam", _paddles("RAdam", **arguments), lr, weight_decay)
    return Translation(_paddles("RAdam", **arguments, weight_decay=weight_decay), EQUAL)


@of("Rprop")
def _rprop(lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, maximize=False):
    settings = {"learning_rate_range": step_sizes, "etas": etas}
    if isinstance(lr, float) and isinstance(step_sizes, tuple):
        lr = float(min(max(lr, step_sizes[0]), step_sizes[1]))  # PyTorch does so in the first step; Paddle refuses
    return Translation(_paddles("Rprop", learning_rate=lr, **settings), EQUAL)


@of("ASGD")
def _asgd(lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, *, maximize=False):
    rate = f"(1 + {code(lambd * lr)} * t) ** -{code(alpha)}"
    schedule = call("paddle.optimizer.lr.LambdaDecay", {"learning_rate": lr, "lr_lambda": Source(f"lambda t: {rate}")})
    return Translation(
        _paddles("SGD", learning_rate=Source(schedule), weight_decay=_sum(lambd, weight_decay)),
        NEAREST,
        (
            "Paddle's ASGD is another algorithm: it averages gradients, PyTorch's averages parameters. PyTorch's steps "
            "are those of SGD with lambd as weight decay and a falling learning rate: the parameters are the same. "
            "Keep the schedule in a variable, and call its step() after each optimizer.step().",
            "The average itself is missing. PyTorch keeps it in the state, as ax, and begins it after "
            f"t0 = {code(t0).removesuffix('.0')} steps; to have one, average the parameters yourself.",
        ),
    )


def _sum(lambd, weight_decay):
    if weight_decay == 0:
        return lambd
    code_needed = isinstance(lambd, Source) or isinstance(weight_decay, Source)
    return Source(f"{lambd!r} + {weight_decay!r}") if code_needed else lambd + weight_decay


@of("LBFGS")
def _lbfgs(
    lr=1,
    max_iter=20,
    max_eval=None,
    tolerance_grad=1e-7,
    tolerance_change=1e-9,
    history_size=100,
    line_search_fn=None,
    *,
    maximize=False,
):
    settings = {
        "learning_rate": lr,
        "max_iter": max_iter,
        "max_eval": max_eval,
        "tolerance_grad": tolerance_grad,
        "tolerance_change": tolerance_change,
        "history_size": history_size,
        "line_search_fn": line_search_fn,
    }
    return Translation(_paddles("LBFGS", **settings), EQUAL)


@of("Adafactor")
def _adafactor(lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, maximize=False):
    return Translation(
        None,
        NONE,
        (
            "What comes nearest is paddle.optimizer.AdamW, which keeps two averages as large as the parameters, where "
            "Adafactor keeps one, by rows and columns. Its learning rate has to be chosen anew.",
        ),
    )


@of("Muon")
def _muon(
    lr=1e-3,
    weight_decay=0.1,
    momentum=0.95,
    nesterov=True,
    ns_coefficients=(3.4445, -4.775, 2.0315),
    eps=1e-7,
    ns_steps=5,
    adjust_lr_fn=None,
):
    return Translation(
        None,
        NONE,
        (
            "No release of Paddle up to 3.3 has Muon. What comes nearest is paddle.optimizer.AdamW, with a learning "
            "rate and a weight decay chosen anew.",
        ),
    )
