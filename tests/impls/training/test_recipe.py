"""Schedules of learning rates."""

import pytest

from impls.training.recipe import RECIPES, learning_rate


def test_the_paper_divides_by_ten_after_150_and_250_of_350_epochs() -> None:
    rates = {epoch: learning_rate(RECIPES["paper"], epoch, 350) for epoch in (0, 149.9, 150, 249.9, 250, 349.9)}
    assert rates == pytest.approx({0: 0.03, 149.9: 0.03, 150: 0.003, 249.9: 0.003, 250: 0.0003, 349.9: 0.0003})


def test_one_cycle_rises_to_its_highest_and_falls_to_zero() -> None:
    recipe = RECIPES["fast"]
    rates = [learning_rate(recipe, progress / 100, 10) for progress in range(1001)]
    assert max(rates) == rates[300] == pytest.approx(recipe.learning_rate)
    assert rates[0] == rates[-1] == 0
    assert rates[:301] == sorted(rates[:301])
    assert rates[300:] == sorted(rates[300:], reverse=True)
