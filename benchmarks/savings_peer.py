"""Run by the peer's own Python: opendsm's daily model on meters handed over in an archive, called as its documents show.

    PYTHON benchmarks/savings_peer.py IN.npz OUT.npz REPEATS

In: names, electricity, zone, and for each meter number `i` days and loads of the baseline (`i.day`, `i.load`), and instants and
temperatures of every hour of baseline and test (`i.hour`, `i.temperature`), test days `i.test`; instants in ns UTC. Out:
predictions of baseline and test days, seconds of each fit (preparing the data and the first, compiling, fit left out), and why
a meter failed.
"""

import logging
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
import opendsm.eemeter as eemeter  # noqa: E402


def series(instants, values, zone, name):
    """A series in the zone of the meter."""
    return pd.Series(values, index=pd.to_datetime(instants, utc=True).tz_convert(zone), name=name)


def told(model, data, days, zone):
    """The predictions for days; NaN where there is none."""
    predicted = model.predict(data, ignore_disqualification=True)["predicted"]
    return predicted.reindex(pd.to_datetime(days, utc=True).tz_convert(zone)).to_numpy(dtype=float)


def meter(given, number, repeats):
    """Predictions of one meter and the seconds of its fits."""
    zone, electricity = str(given["zone"][number]), bool(given["electricity"][number])
    days, test = given[f"{number}.day"], given[f"{number}.test"]
    load = series(days, given[f"{number}.load"], zone, "value")
    warmth = series(given[f"{number}.hour"], given[f"{number}.temperature"], zone, "temperature")
    data = eemeter.DailyBaselineData.from_series(load, warmth, is_electricity_data=electricity)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        model = eemeter.DailyModel().fit(data, ignore_disqualification=True)
        seconds.append(time.perf_counter() - began)
    later = series(test, np.full(len(test), np.nan), zone, "value")
    reporting = eemeter.DailyReportingData.from_series(later, warmth, is_electricity_data=electricity)
    return told(model, data, days, zone), told(model, reporting, test, zone), np.median(seconds)


def main():
    given, repeats = dict(np.load(sys.argv[1])), int(sys.argv[3])
    meter(given, 0, 1)  # compiles
    out = {}
    for number in range(len(given["names"])):
        try:
            out[f"{number}.in"], out[f"{number}.out"], out[f"{number}.seconds"] = meter(given, number, repeats)
        except Exception as problem:  # whatever it says of this meter is a result
            out[f"{number}.failed"] = np.array(f"{type(problem).__name__}: {problem}"[:200])
    np.savez(sys.argv[2], **out)


if __name__ == "__main__":
    main()
