"""One step over all parameters of an optimizer, and the states that they have between two steps."""

from __future__ import annotations

import warnings

import numpy as np

from . import one_pass
from .blocks import Setting, State, formulas, joined, loops, make_blocks, update
from .groups import may_be_clipped
from .memory import address, check_forms, memory, read


class Updates:
    """The states of an optimizer's parameters, and how they are updated.

    A parameter that takes part in the steps has its state in the blocks, in the form in which the rule needs it; that
    of one that sits out is at rest. The blocks are made anew when other parameters take part than in the last step.

    Args:
        groups: The optimizer's groups of parameters.

    Attributes:
        members: ``(parameter, group)`` of every parameter; its place in this list is the parameter's place below.
        in_one_pass: Whether the last step ran as compiled loops; ``None`` before the first one.
    """

    def __init__(self, groups):
        self.members = [(parameter, group) for group in groups for parameter in group.parameters]
        self._inherited = {}  # in a copy: place -> what the original knew of the parameter there
        self._warned_of_lazy_mode = False
        self._can_be_compiled, self.in_one_pass = True, None
        self.go_on_from({})

    def go_on_from(self, states: dict[int, State]) -> None:
        """Take these states, by the parameter's place, for those of the last step."""
        self._at_rest, self.blocks, self._for_loops = states, [], False
        self._updated, self._places = [], []  # the parameters that the blocks are made of, and their places
        self._clipped_in = []  # for each of them the group by whose clip the formula clips, or None
        self._memory, self._addresses = [], []  # these parameters as arrays, and where they begin

    def step(self, optimizer, pairs_by_group: list) -> None:
        """Apply the rule of ``optimizer`` to ``[(parameter, gradient), …]`` of each group, after clipping."""
        check_not_empty(optimizer, self.members)
        parameters, gradients, clipped_in, clips = [], [], [], {}
        for group, pairs in zip(optimizer._groups, pairs_by_group):
            pairs, clip = group.clipped(pairs)
            if clip is None:
                clipped_in += [None] * len(pairs)
            else:
                clipped_in += [group if may_be_clipped(parameter) else None for parameter, _ in pairs]
                clips[group] = clip
            for parameter, gradient in pairs:
                if not gradient.is_dense():
                    self._check_rows(optimizer, parameter, group)
                parameters.append(parameter)
                gradients.append(gradient)
        self._make_current(optimizer, parameters, clipped_in)
        optimizer.follow_momentum_schedule()
        arrays = [read(gradient, own.size) for gradient, own in zip(gradients, self._memory)]
        if any(array.shape != own.shape or array.dtype != own.dtype for array, own in zip(arrays, self._memory)):
            self._addresses = []  # either a parameter has been reshaped where it lies, or a gradient is wrong
            self._make_current(optimizer, parameters, clipped_in)
            check_forms(parameters, self._memory, gradients, arrays)
        steps = self._steps(optimizer, parameters, clipped_in, clips)
        update(self.blocks, steps, [array.reshape(-1) for array in arrays])

    def _steps(self, optimizer, parameters, clipped_in, clips) -> dict:
        """Return what is to be done to the blocks, which are made anew where their rule turns out to have no loop."""
        lr = optimizer.get_lr()
        steps = loops(self.blocks, optimizer, lr, clips) if self._for_loops else None
        self.in_one_pass = steps is not None
        if self._for_loops and not self.in_one_pass:
            self._can_be_compiled = False
            self.go_on_from(self.states(optimizer))
            self._make_current(optimizer, parameters, clipped_in)
        return steps if self.in_one_pass else formulas(self.blocks, optimizer, lr, clips)

    def _check_rows(self, optimizer, parameter, group) -> None:
        """Raise or warn where Paddle's Adam does something else with a gradient of some rows only.

        Raises:
            RuntimeError: There is a ``weight_decay``, as in Paddle (where it passes in groups).
        """
        if not hasattr(optimizer, "lazy_mode"):
            return
        if optimizer.regularization is not None and not group.grouped:
            raise RuntimeError(
                f"weight_decay must be None for {parameter.name}, whose gradient has only some rows: "
                f"it would act on all of them; got {optimizer.regularization}"
            )
        if group.hyperparameters.get("lazy_mode", optimizer.lazy_mode) and not self._warned_of_lazy_mode:
            self._warned_of_lazy_mode = True
            warnings.warn(
                f"lazy_mode=True has no effect in the course's {type(optimizer).__name__}: where the gradient of "
                f"{parameter.name} has no row, Paddle lets the parameter and its averages stand still, here they go on",
                stacklevel=4,
            )

    # ------------------------------------------------------------------ which parameters, and where they lie

    def _make_current(self, optimizer, parameters, clipped_in: list) -> None:
        """See to it that the blocks consist of just these parameters and know where these lie in memory."""
        same = list(map(id, parameters)) == list(map(id, self._updated)) and clipped_in == self._clipped_in
        addresses = [address(parameter) for parameter in parameters]
        if same and addresses == self._addresses:
            return
        in_memory = [memory(parameter) for parameter in parameters]
        flat = [array.reshape(-1) for array in in_memory]
        if not same or [array.size for array in flat] != [array.size for array in self._memory]:
            self._make_blocks(optimizer, parameters, clipped_in, flat)
        self._memory, self._addresses = in_memory, addresses
        for block in self.blocks:
            block.attach(flat)

    def _make_blocks(self, optimizer, parameters, clipped_in: list, flat: list[np.ndarray]) -> None:
        """Make the blocks anew, of these parameters, whose memory is ``flat``."""
        place_of = {id(parameter): place for place, (parameter, _) in enumerate(self.members)}
        places = [place_of[id(parameter)] for parameter in parameters]
        groups = [self.members[place][1] for place in places]
        at_rest = self.states(optimizer)
        states = [
            at_rest.pop(place) if place in at_rest else _fresh_state(optimizer, group, array)
            for place, group, array in zip(places, groups, flat)
        ]
        for parameter, state in zip(parameters, states):
            state.check_size(optimizer, parameter)
        settings = [
            self._setting(optimizer, place, state, clipping)
            for place, state, clipping in zip(places, states, clipped_in)
        ]
        sizes = [array.size for array in flat]
        self._for_loops = self._can_be_compiled and optimizer.whole is None and one_pass.pays(sum(sizes))
        self.blocks = make_blocks(optimizer, settings, states, sizes, for_loops=self._for_loops)
        self._at_rest, self._updated, self._places = at_rest, parameters, places
        self._clipped_in = clipped_in

    def _setting(self, optimizer, place: int, state: State, clipped_in) -> Setting:
        """Return what a parameter must share with others to be updated together with them."""
        parameter, group = self.members[place]
        hyperparameters, lr_scale, regularizers = self._settings_of(optimizer, place)
        return Setting(
            hyperparameters=tuple(sorted(hyperparameters.items())),
            lr_scale=lr_scale,
            regularizers=regularizers,
            clipped_in=clipped_in,
            dtype=str(parameter.dtype),
            t=state.t,
            scalars=tuple(state.scalars.items()),
            whole={None: None, "parameter": place, "group": group}[optimizer.whole],
        )

    def _settings_of(self, optimizer, place: int) -> tuple[dict, float, tuple]:
        """Return a parameter's hyper-parameters, factor of the learning rate and regularizers."""
        if place in self._inherited:
            return self._inherited[place]
        parameter, group = self.members[place]
        hyperparameters = {**group.hyperparameters, **group.view.of(optimizer).overrides_for(parameter)}
        lr_scale = group.lr_scale_of(parameter) * hyperparameters.pop("lr_ratio", 1.0)
        return hyperparameters, lr_scale, group.regularizers_of(parameter)

    # ------------------------------------------------------------------ the states

    def states(self, optimizer) -> dict[int, State]:
        """Return the states at rest and those that live in the blocks, by the parameter's place; not all are copies."""
        pieces = {}
        for block in self.blocks:
            for piece, state in block.states(optimizer.scalars):
                pieces.setdefault(self._places[piece.index], []).append((piece.start, state))
        states = dict(self._at_rest)
        for place, parts in pieces.items():
            parts = [state for _, state in sorted(parts, key=lambda part: part[0])]
            arrays = {slot: joined([state.arrays[slot] for state in parts]) for slot in parts[0].arrays}
            states[place] = State(parts[0].t, arrays, parts[0].scalars)
        return states

    def for_copy(self, optimizer) -> Updates:
        """Return what a copy of ``optimizer`` takes along.

        The parameters of a copy lie elsewhere in memory, have other names, and out of a pickle no ``ParamAttr``: what
        depends on these is settled here.
        """
        twin = object.__new__(Updates)
        vars(twin).update(vars(self))
        twin._memory, twin._addresses = [], []
        twin._inherited = {place: self._settings_of(optimizer, place) for place in range(len(self.members))}
        return twin


def check_not_empty(optimizer, parameters) -> None:
    """Refuse a step where there are no parameters.

    Raises:
        ValueError: There are none.
    """
    if not parameters:
        raise ValueError(
            f"{type(optimizer).__name__} has no parameters to update: give parameters=model.parameters() when making it"
        )


def _fresh_state(optimizer, group, x: np.ndarray) -> State:
    """Return the state before the first step of a parameter ``x`` of ``group``."""
    seen = group.view.of(optimizer)
    fresh = seen.fresh_state(x)
    return State(0, {slot: getattr(fresh, slot) for slot in seen.slots}, dict(optimizer.scalars))
