"""The weights nearest to those given that add up to a total, by Z3's optimiser."""

from collections.abc import Sequence


def nearest(weights: Sequence[int], total: int) -> tuple[int, ...] | None:
    """See `meshlint.space.nearest_weights`."""
    if sum(weights) == total and all(weight >= 0 for weight in weights):
        return tuple(weights)
    positive = sum(1 for weight in weights if weight > 0)
    if not positive or total < 0:
        return None
    return _optimum(weights, total, least=1 if positive <= total else 0)


def _optimum(weights: Sequence[int], total: int, *, least: int) -> tuple[int, ...] | None:
    import z3

    context = z3.Context()
    optimum = z3.Optimize(ctx=context)
    chosen = [z3.Int(f"w{at}", context) for at in range(len(weights))]
    distances = []
    for at, (variable, weight) in enumerate(zip(chosen, weights, strict=True)):
        distance = z3.Int(f"d{at}", context)
        low, high = (least, total) if weight > 0 else (0, 0)
        optimum.add(variable >= low, variable <= high)
        optimum.add(distance >= variable - weight, distance >= weight - variable)
        distances.append(distance)
    optimum.add(z3.Sum(chosen) == total)
    changes = [
        z3.If(variable == weight, z3.IntVal(0, context), z3.IntVal(1, context))
        for variable, weight in zip(chosen, weights, strict=True)
    ]
    # Objectives are met one after the other, so that the answer is unique: earlier weights change last.
    for objective in (z3.Sum(changes), z3.Sum(distances), *distances[:-1]):
        optimum.minimize(objective)
    if optimum.check() != z3.sat:
        return None
    model = optimum.model()
    return tuple(model.eval(variable, model_completion=True).as_long() for variable in chosen)
