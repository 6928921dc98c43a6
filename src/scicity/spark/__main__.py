"""A district computed on Spark: `python -m scicity.spark FOLDER [--master URL]`; without a master, one begins on loopback.

Loads what is new in the folder, brings every derived table up to date, and prints what each took. SPARK_CONF_DIR holds the
cluster's settings (docs/how-to/run-on-spark.md).
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from scicity.city import City
from scicity.spark.cluster import ClusterError, cluster, missing, session
from scicity.spark.computing import SparkComputing


def main() -> None:
    """Runs it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, help="the district")
    options.add_argument("--master", help="spark://HOST:PORT of a cluster that stands")
    options.add_argument("--workers", type=int, default=2, help="without a master: so many workers of one core each")
    options.add_argument("--memory", default="1g", help="of each executor")
    asked = options.parse_args()
    why = missing()
    if why:
        raise SystemExit(why)
    city = City(asked.folder)
    city.load()
    with ExitStack() as stack:
        url, settings = asked.master, None
        if url is None:
            try:
                found = stack.enter_context(cluster(asked.workers, 1, asked.memory))
            except ClusterError as error:
                raise SystemExit(str(error)) from None
            url, settings = found.url, found.settings
        spark = stack.enter_context(session(url, settings, {"spark.executor.memory": asked.memory}))
        district = city.district
        city.computing = SparkComputing(city.lake, city.catalog, district.calendar, district.buckets, session=spark)
        for done in city.compute():
            print(f"{done.table}: {len(done.computed)} computed, {len(done.changed)} changed, {done.seconds:.1f} s")


if __name__ == "__main__":
    main()
