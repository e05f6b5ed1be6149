"""Which implementation to take, from records."""

from bench.core.record import Status
from bench.report.choice import section_choice
from bench.report.compare import NOT_TOGETHER, ONE_PROCESS, cached_ratios, compare_each
from bench.report.frame import frame
from bench.report.section import sections

SPREAD = [1.0, 1.01, 0.99, 1.002, 0.998] * 4


def choice_of(run):
    (section,) = sections([run], frame([run]), compare_each([run]))
    return section_choice(section, cached_ratios())


def timed(make_record, name, time, groups=4, **changes):
    return make_record(name, [time * factor for factor in SPREAD], parameters={"cin": 64, "groups": groups}, **changes)


def test_each_value_of_the_derived_parameter_has_its_own_choice(make_record, make_run):
    times = {("pytorch", 4): 1000, ("wide", 4): 900, ("pytorch", 16): 1000, ("wide", 16): 1500, ("slow", 4): 5000}
    times[("slow", 16)] = 5000
    choice = choice_of(make_run([timed(make_record, name, time, groups) for (name, groups), time in times.items()]))
    assert choice.axis == "channels_per_group"
    assert {value: over.choice.candidates for value, over in choice.by_value.items()} == {
        "4": ("pytorch",),
        "16": ("wide",),
    }
    assert list(choice.by_value) == ["4", "16"]
    assert choice.overall.choice.candidates == ("pytorch",)
    assert choice.surely_fastest == {"wide": 1, "pytorch": 1}


def test_the_mean_compares_only_those_that_passed_on_every_case(make_record, make_run):
    records = [timed(make_record, name, time, groups) for groups in (1, 4) for name, time in (("pytorch", 9), ("b", 5))]
    records.append(timed(make_record, "partial", 1, 4))
    choice = choice_of(make_run(records))
    assert {contender.name for contender in choice.overall.choice.contenders} == {"pytorch", "b"}
    assert choice.overall.left_out == {"partial": 1}
    assert choice.by_case["cin=64,groups=4"].candidates == ("partial",)


def test_one_that_alone_passed_everywhere_has_no_mean_to_compare_with(make_record, make_run):
    records = [timed(make_record, "pytorch", 9, groups) for groups in (1, 4)] + [timed(make_record, "partial", 1, 4)]
    choice = choice_of(make_run(records))
    assert choice.overall.choice is None
    assert choice.overall.only == "pytorch"


def test_nothing_is_chosen_where_no_case_has_two_that_passed(make_record, make_run):
    failed = make_record("other", parameters={"cin": 64, "groups": 4}, status=Status.FAILED, reason="no", check=None)
    assert choice_of(make_run([timed(make_record, "pytorch", 9), failed])) is None


def test_cautions_about_the_ratios_are_counted(make_record, make_run):
    single = timed(make_record, "single", 5, 4, processes=[0] * 20)
    apart = timed(make_record, "apart", 5, 1, session="two")
    records = [timed(make_record, "pytorch", 9, groups) for groups in (1, 4)] + [single, apart]
    assert choice_of(make_run(records)).cautions == {ONE_PROCESS: 1, NOT_TOGETHER: 1}
