"""asv (airspeed velocity): the suites ``first`` over the project's history, configured by ``asv.conf.json``."""
