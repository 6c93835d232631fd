#!/usr/bin/env python3
"""Compares etl.next_runs with croniter (PyPI), which has none of our code.

The server is the one PGHOST and PGPORT name. Prints a TAP line a check. Where croniter is known to differ, the
difference itself is what is checked; KNOWN DIFFERENCES below are all there are.

KNOWN DIFFERENCES
1. In a fold croniter runs what restricts the hours in both passes; we in the first.
2. In a fold of less than an hour croniter leaves out runs of the second pass that it has in longer folds; we have all
   that the clock shows.
3. croniter takes 31W in a month of 30 days for the weekday nearest to the 30th; we have no run then, as for 31.
4. croniter has both of day of month and day of week match if one of them has # or W, where the rule of classic cron is
   that either does.
"""
import bisect
import calendar
import datetime
import functools
import random
import subprocess
import sys
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

UTC = datetime.timezone.utc
DAY = 86400
ZONES = """
    Africa/Cairo Africa/Casablanca America/Caracas America/Havana America/New_York America/Sao_Paulo America/St_Johns
    Antarctica/Troll Asia/Beirut Asia/Gaza Asia/Kolkata Asia/Tehran Australia/Lord_Howe Europe/Berlin Europe/Dublin
    Europe/Istanbul Europe/London Europe/Moscow Pacific/Apia Pacific/Chatham""".split()
FIRST_YEAR, LAST_YEAR = 2005, 2035

RESTRICTED = ["0 0 * * *", "30 1 * * *", "30 2 * * *", "15 3 * * *", "30 23 * * *", "*/20 2 * * *", "0 */2 * * *",
              "10 1,2,3 * * *", "45 0-3,23 * * *", "0 0 1 * *", "0 */6 * * MON-FRI"]
EVERY_HOUR = ["0 * * * *", "*/20 * * * *", "17 * * * SUN"]


def second(year, month, day, hour=0):
    return int(datetime.datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def at(zone, moment):
    return datetime.datetime.fromtimestamp(moment, zone)


def ours(cases, count=None):
    """For each (schedule, zone, after, until) the runs in that time, as seconds; None for an error.

    At most count of them; without count there must be none within ten minutes of another.
    """
    rows = "".join(f"{i}\t{schedule}\t{zone}\t{after}\t{until}\t{count or (until - after) // 600}\n"
                   for i, (schedule, zone, after, until) in enumerate(cases))
    script = f"""\
SET TimeZone = 'UTC';
CREATE TEMP TABLE test_case (n int, schedule text, zone text, after bigint, until bigint, count int);
COPY test_case FROM STDIN;
{rows}\\.
CREATE FUNCTION pg_temp.runs(schedule text, zone text, after bigint, until bigint, count int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN coalesce((SELECT string_agg(extract(epoch FROM r)::bigint::text, ' ' ORDER BY r)
		FROM etl.next_runs(schedule, zone, count, to_timestamp(after)) r
		WHERE r <= to_timestamp(until)), '');
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN 'error';
END $$;
SELECT pg_temp.runs(schedule, zone, after, until, count) FROM test_case ORDER BY n;
"""
    psql = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "postgres"], input=script, text=True,
                          check=True, stdout=subprocess.PIPE)
    answers = psql.stdout.split("\n")[:-1]
    assert len(answers) == len(cases)
    return [None if answer == "error" else [int(run) for run in answer.split()] for answer in answers]


def theirs(schedule, zone, after, until, **options):
    """The same from croniter; None when it finds no run in fifty years."""
    iterator = croniter(schedule, at(zone, after), ret_type=datetime.datetime, implement_cron_bug=True, **options)
    runs = []
    try:
        while True:
            run = int(iterator.get_next().timestamp())
            if run > until:
                return runs
            runs.append(run)
    except CroniterBadDateError:
        return runs or None


checks = 0


def check(name, compared, differences):
    global checks
    checks += 1
    good = compared > 0 and not differences
    print(f"{'ok' if good else 'not ok'} {checks} - {name} ({compared} compared)")
    for difference in differences[:5]:
        print("#", *difference)
    sys.stdout.flush()


@functools.cache
def transitions(zone):
    """Every change of the offset from UTC: (moment, offset before, offset after)."""
    def offset(moment):
        return int(at(zone, moment).utcoffset().total_seconds())

    changes = []
    for day in range(second(FIRST_YEAR, 1, 1), second(LAST_YEAR, 1, 1), DAY):
        before, after = offset(day), offset(day + DAY)
        if before != after:
            moment = day + bisect.bisect_left(range(DAY), True, key=lambda s: offset(day + s) != before)
            changes.append((moment, before, after))
    return changes


def second_pass(moment, transition):
    """Whether a moment shows a local time that was there before the clock was put back."""
    change, before, after = transition
    return before > after and change <= moment < change + before - after


def check_clock_changes():
    """Every schedule, from a day before every change of every zone, and from the change itself, to a day after it."""
    changes = [(name, change) for name in ZONES for change in transitions(ZoneInfo(name))]
    repeated, cases = 0, []
    for name, change in changes:
        for schedule in RESTRICTED + EVERY_HOUR:
            for after in (change[0] - DAY, change[0]):
                cases.append((name, change, schedule, after, change[0] + DAY))
    answers = ours([(schedule, name, after, until) for name, _, schedule, after, until in cases])

    differences, short, short_differences = [], 0, []
    for (name, change, schedule, after, until), answer in zip(cases, answers):
        zone = ZoneInfo(name)
        expected = theirs(schedule, zone, after, until)
        if schedule in RESTRICTED:
            again = [run for run in expected if second_pass(run, change)]
            repeated += len(again)
            expected = [run for run in expected if run not in again]
        elif 0 < change[1] - change[2] < 3600:
            # what it leaves out is what it says itself of the single minutes of the second pass
            shown = [minute for minute in range(change[0], change[0] + change[1] - change[2], 60)
                     if minute > after and croniter.match(schedule, at(zone, minute).replace(tzinfo=None))]
            short += not set(shown) <= set(expected)
            if answer != sorted(set(expected) | set(shown)):
                short_differences.append((name, schedule, at(zone, change[0])))
            continue
        if answer != expected:
            differences.append((name, schedule, at(zone, change[0]), "ours", [at(zone, run) for run in answer or []],
                                "expected", [at(zone, run) for run in expected]))
    check(f"{len(changes)} clock changes of {len(ZONES)} zones", len(cases), differences)
    check("known difference 1: croniter repeats restricted hours in a fold", repeated, [])
    check("known difference 2: croniter leaves out runs in a short fold", short, short_differences)


def check_every_day():
    """One schedule through all the years of all zones, so that what lies between the changes is seen as well."""
    after, until = second(FIRST_YEAR, 1, 1), second(LAST_YEAR, 1, 1)
    compared, differences = 0, []
    for name, answer in zip(ZONES, ours([("30 2 * * *", name, after, until) for name in ZONES])):
        zone = ZoneInfo(name)
        changes = transitions(zone)
        expected = [run for run in theirs("30 2 * * *", zone, after, until)
                    if not any(second_pass(run, change) for change in changes)]
        compared += len(expected)
        differences += [(name, at(zone, run)) for run in sorted(set(answer) ^ set(expected))]
    check(f"every day of {LAST_YEAR - FIRST_YEAR} years in {len(ZONES)} zones", compared, differences)


def random_field(choose, low, high):
    """A field of the grammar that both sides have."""
    def item():
        first, last = sorted((choose.randint(low, high), choose.randint(low, high)))
        if first == last or choose.random() < 0.5:
            return str(first)
        return f"{first}-{last}" + (f"/{choose.randint(1, high - low)}" if choose.random() < 0.5 else "")

    kind = choose.random()
    if kind < 0.35:
        return "*"
    if kind < 0.5:
        return f"*/{choose.randint(1, high - low)}"
    return ",".join(item() for _ in range(choose.randint(1, 3)))


def check_random_classic():
    choose = random.Random(1)
    cases, expected = [], []
    for _ in range(1000):
        fields = [random_field(choose, *bounds) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))]
        seconds = choose.random() < 0.2
        if seconds:
            fields.insert(0, random_field(choose, 0, 59))
        after = choose.randint(second(1995, 1, 1), second(2025, 1, 1))
        schedule = " ".join(fields)
        iterator = croniter(schedule, at(UTC, after), ret_type=float, implement_cron_bug=True,
                            second_at_beginning=seconds)
        try:
            runs = [int(iterator.get_next()) for _ in range(10)]
        except CroniterBadDateError:
            runs = None
        cases.append((schedule, "UTC", after, second(2200, 1, 1)))
        expected.append(runs)
    answers = ours(cases, count=10)
    check("random expressions", sum(map(len, filter(None, expected))),
          [(*case[:3], answer, runs) for case, answer, runs in zip(cases, answers, expected) if answer != runs])


def check_leap_days():
    after, until = second(1996, 1, 1), second(2105, 1, 1)
    schedules = ["0 0 29 2 *", "0 12 28-31 2 *", "30 2 31 * *", "0 0 L 2 *", "0 0 29 2 */7", "0 0 29 2 MON"]
    answers = ours([(schedule, "UTC", after, until) for schedule in schedules])
    wanted = [theirs(schedule, UTC, after, until) for schedule in schedules]
    check("leap days from 1996 to 2104", sum(map(len, wanted)),
          [(s, sorted(set(a) ^ set(e))) for s, a, e in zip(schedules, answers, wanted) if a != e])


def check_aws():
    """(AWS's form, croniter's seven fields: minute hour day month weekday second year)"""
    pairs = [("cron(0 10 * * ? *)", "0 10 * * * 0 *"), ("cron(15 12 ? * 2-6 *)", "15 12 * * 1-5 0 *"),
             ("cron(0 18 ? * MON-FRI 2008-2019)", "0 18 * * MON-FRI 0 2008-2019"),
             ("cron(0/20 8-17 ? * 7 2010)", "0/20 8-17 * * 6 0 2010"), ("cron(0 9 L * ? *)", "0 9 L * * 0 *"),
             ("cron(0 9 15W * ? *)", "0 9 15W * * 0 *"), ("cron(0 9 1W * ? *)", "0 9 1W * * 0 *"),
             ("cron(0 9 28W 2 ? *)", "0 9 28W 2 * 0 *"), ("cron(0 9 ? * 6L *)", "0 9 * * L5 0 *"),
             ("cron(0 9 ? * 1#1,4#5 *)", "0 9 * * 0#1,3#5 0 *"), ("cron(0 0 1 1 ? 2010/7)", "0 0 1 1 * 0 2010/7")]
    after, until = second(2005, 1, 1), second(2035, 1, 1)
    answers = ours([(ours_form, "UTC", after, until) for ours_form, _ in pairs])
    wanted = [theirs(their_form, UTC, after, until, max_years_between_matches=50) for _, their_form in pairs]
    check("AWS's form", sum(map(len, wanted)), [(p[0], a[:5], e[:5]) for p, a, e in zip(pairs, answers, wanted) if a != e])

    answer, = ours([("cron(0 9 31W * ? *)", "UTC", after, until)])
    long_months = [run for run in theirs("0 9 31W * * 0 *", UTC, after, until)
                   if calendar.monthrange(at(UTC, run).year, at(UTC, run).month)[1] == 31]
    check("known difference 3: 31W in a short month", len(long_months), [] if answer == long_months else [(answer,)])

    answer, = ours([("0 0 13 * 5#2", "UTC", after, until)])
    either = sorted(set(theirs("0 0 13 * *", UTC, after, until)) | set(theirs("0 0 * * 5#2", UTC, after, until)))
    both = theirs("0 0 13 * 5#2", UTC, after, until)
    check("known difference 4: day of month or # of the week", len(either),
          [] if answer == either and both != either else [(answer, both)])


check_clock_changes()
check_every_day()
check_random_classic()
check_leap_days()
check_aws()
print(f"1..{checks}")
