"""asv (airspeed velocity): the quick suites over the project's history. Set up by ``asv.conf.json``."""
