"""Parameter groups, and the checks of what an optimizer is given."""

from __future__ import annotations

import numbers

import paddle
from paddle.nn import ClipGradByGlobalNorm, ClipGradByValue
from paddle.nn.clip import _squared_l2_norm
from paddle.regularizer import L1Decay, L2Decay

from ...errors import number
from .blocks import View
from .memory import check_dtype
from .paddle_format import format_of

SETTINGS_OF_EVERY_GROUP = ("params", "learning_rate", "weight_decay", "grad_clip")


class Group:
    """Parameters, and the settings that they share.

    Args:
        optimizer: It checks the hyper-parameters, and its settings hold where the group has none.
        parameters: The tensors.
        settings: The group dict without ``params``; ``None`` for a plain list of parameters, where what
            ``ParamAttr`` says of a parameter holds. In a group list the group's word replaces it, as in Paddle.
    """

    def __init__(self, optimizer, parameters, settings: dict | None):
        self.parameters = list(parameters)
        self.grouped = settings is not None
        settings = settings or {}
        checks = optimizer.hyperparameters
        self.hyperparameters = {name: checks[name](name, value) for name, value in settings.items() if name in checks}
        self.hyperparameters["slots"] = optimizer.slots_with(self.hyperparameters)
        self.view = View(self.hyperparameters)
        self._lr_scale = number("learning_rate of a parameter group", settings.get("learning_rate", 1.0))
        self._clip = checked_clip(settings.get("grad_clip", optimizer._grad_clip))
        self._regularizers = [] if optimizer.decoupled else _regularizers(optimizer, settings)
        self._param_attr_regularizes = optimizer.decoupled or not self.grouped

    def trainable(self) -> list:
        """Return the parameters that are not frozen."""
        return [parameter for parameter in self.parameters if not parameter.stop_gradient]

    def with_gradients(self) -> list:
        """Return ``[(parameter, gradient), …]`` of the parameters that take part in this step."""
        return [
            (parameter, gradient)
            for parameter in self.parameters
            if not parameter.stop_gradient and (gradient := parameter.grad) is not None
        ]

    def clipped(self, pairs: list) -> tuple[list, float | tuple[float, float] | None]:
        """Clip the gradients, or tell how the formula is to do it, which spares a pass over them.

        Returns:
            The pairs, and what the formula is to clip by: a factor, the lowest and the highest value, or ``None``.
        """
        if self._clip is None or not pairs:
            return pairs, None
        usual = all(gradient.is_dense() and gradient.dtype == pairs[0][1].dtype for _, gradient in pairs)
        with paddle.no_grad():
            if usual and type(self._clip) is ClipGradByGlobalNorm and not self._clip.auto_skip_clip:
                return pairs, self._factor([gradient for parameter, gradient in pairs if may_be_clipped(parameter)])
            if usual and type(self._clip) is ClipGradByValue:
                return pairs, (float(self._clip.min), float(self._clip.max))
            return self._clip(pairs), None

    def _factor(self, gradients: list) -> float:
        """Return the factor of ``ClipGradByGlobalNorm``, to the last bit, without a pass that multiplies by it."""
        if not gradients:
            return 1.0
        norm = paddle.sqrt(paddle.stack([_squared_l2_norm(gradient) for gradient in gradients]).sum())
        limit = paddle.full([1], self._clip.clip_norm, norm.dtype)
        return (limit / paddle.maximum(norm, limit)).item()

    def lr_scale_of(self, parameter) -> float:
        """Return the factor that the global learning rate takes for this parameter."""
        return (
            self._lr_scale
            if self.grouped
            else float(_attribute(parameter, "optimize_attr", {"learning_rate": 1.0})["learning_rate"])
        )

    def regularizers_of(self, parameter) -> tuple:
        """Return ``("L1" or "L2", coefficient)`` for each regularizer that acts on this parameter."""
        own = _attribute(parameter, "regularizer", None) if self._param_attr_regularizes else None
        regularizers = self._regularizers if own is None else [own]
        return tuple(("L2" if isinstance(each, L2Decay) else "L1", float(each._coeff)) for each in regularizers)


def may_be_clipped(parameter) -> bool:
    """Return whether a clip of gradients is for this parameter as well: ``ParamAttr`` may say no."""
    return _attribute(parameter, "need_clip", True) is not False


def make_groups(optimizer, parameters) -> list[Group]:
    """Turn what was given to ``optimizer`` as ``parameters`` into groups.

    Raises:
        TypeError: It is no list of tensors or of group dicts.
        ValueError: It is empty, a tensor appears twice, or a group dict has an unknown key.
    """
    if isinstance(parameters, (paddle.Tensor, dict, str)):
        hint = ": put the dict into a list" if isinstance(parameters, dict) else ""
        raise TypeError(
            f"parameters must be a list of tensors or of group dicts, got a {type(parameters).__name__}{hint}"
        )
    try:
        parameters = list(parameters)
    except TypeError:
        raise TypeError(
            f"parameters must be a list of tensors or of group dicts, got {parameters!r} ({type(parameters).__name__})"
        ) from None
    if not parameters:
        raise ValueError("parameters must hold at least one tensor, got an empty list")
    grouped = isinstance(parameters[0], dict)
    groups = [_from_dict(optimizer, group) for group in parameters] if grouped else [Group(optimizer, parameters, None)]
    _check_tensors([parameter for group in groups for parameter in group.parameters])
    return groups


def _from_dict(optimizer, group) -> Group:
    if not isinstance(group, dict) or "params" not in group:
        raise TypeError(f"each parameter group must be a dict with the key 'params', got {group!r:.80}")
    own = [name for name in optimizer.hyperparameters if name not in SETTINGS_OF_EVERY_GROUP]
    allowed = (*SETTINGS_OF_EVERY_GROUP, *own)
    unknown = [key for key in group if key not in allowed]
    if unknown:
        kind = type(optimizer).__name__
        raise ValueError(f"a parameter group of {kind} has no setting {unknown[0]!r}; allowed: {', '.join(allowed)}")
    members = group["params"]
    if isinstance(members, set):
        raise TypeError("params of a parameter group must be a list: a set has no order to save and resume by")
    members = [members] if isinstance(members, paddle.Tensor) else list(members)
    if not members:
        raise ValueError("params of a parameter group must hold at least one tensor, got an empty list")
    return Group(optimizer, members, {key: value for key, value in group.items() if key != "params"})


def _regularizers(optimizer, settings: dict) -> list:
    """Return the regularizers, at most one of a kind, that act in a group with these ``settings``."""
    own, everywhere = checked_decay(settings.get("weight_decay")), optimizer.regularization
    if format_of(type(optimizer)).own_l2 and "weight_decay" in settings:
        beside = everywhere if isinstance(everywhere, L1Decay) and not isinstance(own, L1Decay) else None
        return [regularizer for regularizer in (beside, own) if regularizer is not None]
    return [regularizer for regularizer in [own or everywhere] if regularizer is not None]


def _check_tensors(parameters) -> None:
    seen = set()
    for parameter in parameters:
        if not isinstance(parameter, paddle.Tensor):
            raise TypeError(
                f"parameters must hold tensors (or group dicts, not both), got {parameter!r:.60} "
                f"({type(parameter).__name__})"
            )
        check_dtype(parameter)
        if id(parameter) in seen:
            raise ValueError(f"parameter {parameter.name} appears more than once in parameters")
        seen.add(id(parameter))


def checked_decay(weight_decay):
    """Return the regularizer that ``weight_decay`` stands for: a number λ is ``L2Decay(λ)``.

    Raises:
        TypeError: It is neither number nor regularizer nor ``None``.
        ValueError: It is NaN or infinite.
    """
    if weight_decay is None or isinstance(weight_decay, (L1Decay, L2Decay)):
        return weight_decay
    if isinstance(weight_decay, numbers.Real) and not isinstance(weight_decay, bool):
        return L2Decay(number("weight_decay", weight_decay))
    raise TypeError(
        "weight_decay must be a number, paddle.regularizer.L1Decay, L2Decay or None, "
        f"got {weight_decay!r} ({type(weight_decay).__name__})"
    )


def checked_clip(grad_clip):
    """Return one of Paddle's clipping objects or ``None``.

    Raises:
        TypeError: It is something else.
    """
    if grad_clip is None or isinstance(grad_clip, paddle.nn.clip.GradientClipBase):
        return grad_clip
    raise TypeError(
        "grad_clip must be paddle.nn.ClipGradByValue, ClipGradByNorm, ClipGradByGlobalNorm or None, "
        f"got {grad_clip!r} ({type(grad_clip).__name__})"
    )


def names_of(argument: str, tensors, among: set[str] | None = None) -> set[str]:
    """Return the names of tensors that are given as tensors or by name.

    Raises:
        TypeError: ``tensors`` is no list of tensors or names.
        ValueError: A name is not ``among`` those allowed.
    """
    try:
        names = {tensor if isinstance(tensor, str) else tensor.name for tensor in tensors}
    except (TypeError, AttributeError):
        raise TypeError(f"{argument} must hold tensors or names of tensors, got {tensors!r:.80}") from None
    unknown = names - among if among is not None else ()
    if unknown:
        raise ValueError(f"{argument} must be among the optimizer's own parameters, got {min(unknown)}")
    return names


def _attribute(parameter, name, default):
    """Return what ``ParamAttr`` set; a plain tensor does not have these attributes."""
    value = getattr(parameter, name, None)
    return default if value is None else value
