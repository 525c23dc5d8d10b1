"""What the sources say: the articles and papers, and the claims they make, each measured in one chapter.

A row more in the table and a measurement in its chapter is all that a claim takes; ``course_lib.claims`` judges it.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCES = {
    "S0": "Learning-rate optimization algorithms",
    "S1": "New Optimization",
    "S2": "Optimization algorithms: tuning practice",
    "S3": "Common questions on the learning rate",
    "S4": "What is new in deep-learning optimizers?",
    "Goyal-2017": "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
    "Keskar-2017": "On Large-Batch Training for Deep Learning: Generalization Gap and Sharp Minima",
    "You-2017": "Large Batch Training of Convolutional Networks",
    "McCandlish-2018": "An Empirical Model of Large-Batch Training",
    "Shallue-2019": "Measuring the Effects of Data Parallelism on Neural Network Training",
    "You-2020": "Large Batch Optimization for Deep Learning: Training BERT in 76 Minutes",
    "Malladi-2022": "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms",
    "HuggingFace-2024": "Fixing Gradient Accumulation",
    "Polyak-1992": "Acceleration of Stochastic Approximation by Averaging",
    "Izmailov-2018": "Averaging Weights Leads to Wider Optima and Better Generalization",
    "Morales-2024": "Exponential Moving Average of Weights in Deep Learning: Dynamics and Benefits",
    "Zhang-2019": "Lookahead Optimizer: k steps forward, 1 step back",
    "Liu-1989": "On the Limited Memory BFGS Method for Large Scale Optimization",
    "Le-2011": "On Optimization Methods for Deep Learning",
    "Berahas-2016": "A Multi-Batch L-BFGS Method for Machine Learning",
}


@dataclass(frozen=True)
class Claim:
    """One statement of the sources, in the course's words.

    Attributes:
        id: For instance ``"LR-1"``.
        source: The articles that make it, as keys of ``SOURCES`` with blanks between.
        chapter: Number of the chapter that measures it, as in the name of its notebook.
        text: The statement as the sources mean it, right or wrong.
    """

    id: str
    source: str
    chapter: int
    text: str


# One row per claim: id | source | chapter | claim, in the order of the ledger. A \ at a line's end continues the row.
_TABLE = """
LR-1 | S0 S3 | 1 | A smaller learning rate is not always better: reaching the same loss takes more steps.
LR-2 | S0 S2 S3 | 1 | A larger learning rate is not always better: it oscillates around the optimum, and past a limit \
it diverges.
LR-3 | S0 | 1 | With the best learning rate, the model reaches its best final result.
LR-4 | S3 | 1 | A negative learning rate climbs the loss; flipping the sign in the update rule undoes that.
LR-5 | S3 | 2 | Useful learning rates lie between 1e-6 and 1.
LR-6 | S3 | 1 | A small learning rate makes the gradient vanish; a large one is the exploding gradient.
LR-7 | S3 | 2 | A badly chosen learning rate shows in noisy first-layer features, a good one in smooth, clean and \
varied ones.
LR-8 | S3 | 2 | For a given model and data set, the best learning rate cannot be computed in advance, only found by \
trying.
LR-9 | S3 | 2 | Search powers of ten first, then refine within the best decade; a fine grid is not needed.
LR-10 | S3 | 2 | If only one hyper-parameter can be tuned, tune the learning rate.
LR-11 | S4 | 2 | 3e-4 is the best learning rate for Adam.
LR-12 | S0 | 1 | The best learning rate gives the model its largest effective capacity.
LR-13 | S4 | 2 | By hand: lower the learning rate if the loss does not move clearly, raise it if it moves only in the \
fifth or sixth decimal, and repeat.
LR-14 | S3 | 2 | Usual values are 0.1 and 0.01 for the learning rate, and 0.5, 0.9 and 0.99 for the momentum.
OPT-1 | S0 S1 | 3 | A mini-batch gradient is a noisy estimate that makes SGD's path fluctuate; its error falls as \
1/√batch.
OPT-2 | S1 | 3 | Full-batch, single-sample and mini-batch descent trade the cost of an update against its noise; what \
frameworks call SGD is mini-batch descent.
OPT-3 | S0 S1 S3 | 4 | Momentum accumulates a velocity: it oscillates less across a ravine and moves faster along it.
OPT-4 | S1 | 4 | Momentum carries a point through a flat spot or a small local minimum where plain SGD stops.
OPT-5 | S2 | 4 | Nesterov's look-ahead improves on plain momentum (the article only lists it; this is what is usually \
said of it).
OPT-6 | S0 S1 | 5 | AdaGrad gives each parameter a step of its own, larger for those that are rarely updated.
OPT-7 | S0 S1 | 5 | AdaGrad's effective learning rate only falls, and can end learning too early.
OPT-8 | S0 S1 | 5 | RMSProp keeps a moving average in place of AdaGrad's sum, and so keeps learning.
OPT-9 | S0 S1 | 6 | Adam joins momentum with a scale per parameter; its averages start at 0, so the early ones are \
biased and need a correction.
OPT-10 | S1 | 6 | Adam needs little memory.
OPT-11 | S0 | 6 | On MNIST, at learning rate 0.01 for 3 epochs, SGD, Momentum, Adagrad and Adam differ clearly, and \
the best in theory need not be the best here: tune each.
OPT-12 | S3 | 6 | Adaptive methods converge faster than badly tuned non-adaptive ones; SGD with momentum, RMSProp and \
Adam are robust choices.
OPT-13 | S1 | 7 | AMSGrad keeps the maximum of v, so that the learning rate does not become too large: it converges \
more stably and beats Adam on some hard problems, for one more value per parameter.
OPT-14 | S1 | 7 | AMSGrad takes the maximum with the v̂ that it corrected before, and corrects the result again.
OPT-15 | S1 | 8 | SWATS simply combines Adam and SGD with momentum.
OPT-16 | S1 | 8 | RAdam corrects the bias of the learning rate in the first steps, is more stable and needs no \
learning rate set by hand.
OPT-17 | S4 | 7 | The minima that Adam finds generalize worse than those of SGD.
OPT-18 | S0 | 5 | AdaGrad's steps are larger where the gradient is large, far from the optimum, and smaller where it \
is small.
OPT-19 | S1 | 5 | RMSProp is not suited to sparse data.
OPT-20 | S1 | 7 | Adam can be unstable where the objective is not stationary.
OPT-21 | S1 | 7 | Adam avoids getting stuck in local minima.
OPT-22 | S1 | 6 | AdaGrad needs much memory, Adam little.
OPT-23 | S3 | 6 | No method is best for all problems.
SCH-1 | S2 S3 | 9 | Step, exponential and 1/t decay start large and end small, and beat a constant learning rate.
SCH-2 | S2 S3 | 9 | Lowering the learning rate when the validation metric stalls is more flexible than a fixed plan.
SCH-3 | S2 | 9 | Warm-up avoids large jumps at the start (the code printed for it is a cosine).
SCH-4 | S4 | 10 | A learning-rate range test shows three regions: no progress, fast descent, divergence.
SCH-5 | S4 | 10 | A range test without these regions, or with gaps of NaN, reveals a fault in the model or the data.
SCH-6 | S4 S2 | 10 | A learning rate that cycles between bounds from the range test reaches the accuracy in fewer \
steps than a decaying one.
SCH-7 | S4 | 10 | Raising the learning rate again helps to leave saddle points, where gradients are small.
SCH-8 | S4 | 10 | Cosine annealing with warm restarts makes SGD as fast as Adam and keeps SGD's generalization.
SCH-9 | S2 | 10 | A cyclical learning rate explores more of the parameter space and so improves the model, not only \
its speed.
SCH-10 | S3 | 9 | Let the learning rate decay to a small value, then go on with a small constant one.
WD-1 | S4 | 11 | In Adam, L2 regularization and weight decay are different things.
WD-2 | S4 | 11 | In plain SGD they are the same, once the coefficient is rescaled by the learning rate.
WD-3 | S4 | 11 | L2 does little in Adam; decoupled decay works in Adam as well as in SGD.
WD-4 | S4 | 11 | Decoupling separates the best learning rate from the best decay (said in the paper that the article \
reports).
WD-5 | S4 | 11 | Libraries offer L2 regularization under the name of weight decay.
WD-6 | S4 | 11 | AdamWR is on a par with SGDWR; plain Adam with restarts beats Adam but not SGDR.
SC-1 | S4 | 12 | The 1cycle policy reaches the same validation accuracy in one fifth of the iterations.
SC-2 | S4 | 12 | The gain of 1cycle grows as labelled data get scarcer.
SC-3 | S4 | 12 | 1cycle is a regularization by itself, so the other regularization must be tuned to go with it.
SC-4 | S4 | 12 | Recipe: take as maximum the highest rate that the range test allows, start several orders of \
magnitude below, let the cycle end shortly before the run, and anneal further in the rest.
SC-5 | S4 | 12 | Workflow: range test first, a schedule always, AdamW where Adam is wanted, 1cycle for \
super-convergence.
SC-6 | S4 | 12 | 1cycle explores first, jumping to the flattest and widest basin, and exploits it afterwards.
INIT-1 | S2 | 13 | Zero initialization makes gradients vanish or explode.
INIT-2 | S2 | 13 | A constant start solves the problem of zero, although the gradients lack diversity.
INIT-3 | S2 | 13 | Weights that are too small make gradients vanish with depth; too large ones make them explode.
INIT-4 | S2 | 13 | Xavier initialization, uniform within ±√(6/(n_in + n_out)), keeps the variance through tanh-like \
layers.
INIT-5 | S2 | 13 | He initialization, normal with variance 2/n_in, keeps it through ReLU layers.
INIT-6 | S2 | 13 | Weight normalization, w = g·v/‖v‖, separates length from direction and improves the stability and \
the speed of convergence.
INIT-7 | S2 | 13 | Initialization changes how fast and how well a model learns, and with it the best learning rate.
INIT-8 | S2 | 13 | A good start improves generalization and prevents overfitting.
BATCH-1 | Goyal-2017 | 14 | With k times the batch size, multiply SGD's learning rate by k: training takes the same \
course.
BATCH-2 | Malladi-2022 | 14 | With k times the batch size, multiply Adam's learning rate by √k, not by k.
BATCH-3 | McCandlish-2018 Shallue-2019 | 14 | Up to a critical batch size, twice the batch halves the steps; far \
above it, a larger batch saves nothing.
BATCH-4 | Keskar-2017 | 14 | Large batches generalize worse.
BATCH-5 | You-2017 You-2020 | 14 | LARS and LAMB train at large batch sizes what SGD with momentum and Adam cannot.
BATCH-6 | HuggingFace-2024 | 14 | Gradient accumulation is mathematically equivalent to training with the large batch.
MEM-1 | Polyak-1992 Izmailov-2018 | 15 | A constant learning rate with averaged weights ends as low as a learning rate \
that decays.
MEM-2 | Morales-2024 | 15 | Averaged weights are better than the last ones, early in a run as well as late.
MEM-3 | Zhang-2019 | 15 | Lookahead improves the optimizer inside it, SGD with momentum as well as Adam, and makes it \
less sensitive to its learning rate.
MEM-4 | Liu-1989 Le-2011 | 15 | On full batches L-BFGS needs no learning rate, and fewer evaluations than first-order \
methods.
MEM-5 | Berahas-2016 | 15 | With a new mini-batch in each step L-BFGS is unstable, as its pairs compare gradients of \
different losses.
"""


def _read_table() -> dict[str, Claim]:
    rows = ([part.strip() for part in line.split("|")] for line in _TABLE.strip().splitlines())
    return {id: Claim(id, source, int(chapter), text) for id, source, chapter, text in rows}


CLAIMS = _read_table()

#: Claims whose experiment uses no data set: their measurement is one, whatever ``COURSE_DATA`` says.
DATA_FREE = frozenset(
    ["OPT-4", "OPT-6", "OPT-7", "OPT-10", "OPT-14", "OPT-18", "OPT-19", "OPT-21", "OPT-22", "OPT-23", "SCH-7", "WD-5"]
)
